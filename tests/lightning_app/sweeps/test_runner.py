"""Trials: what is recorded of them, and that none is lost, made twice or left running, whatever happens to workers."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from optuna.trial import TrialState

from lightning_app.sweeps.opening import open_study
from lightning_app.sweeps.sweep_file import read_sweep
from tests.lightning_app.sweeps.conftest import COMMAND

SLOWER = [*COMMAND[:-1], "--seconds=0.08"]


def children_of(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def opened(file, folder):
    sweep = read_sweep(file)
    return open_study(sweep, folder / "runs" / sweep.name, None)


def states(records):
    return Counter(record.state.name for record in records)


def test_each_trial_is_made_with_each_seed_and_has_their_mean(write_sweep, finish, records, tmp_path):
    file = write_sweep()

    out = finish(file)

    found = records(file)
    assert [record.number for record in found] == list(range(6))
    for record in found:
        loss = (record.values["x"] - 0.3) ** 2 + 1 / 3
        assert record.scores == pytest.approx({"0": loss, "1": loss + 0.01})
        assert record.value == pytest.approx(loss + 0.005)
    folders = {path.name for path in (tmp_path / "runs" / "tiny").iterdir() if path.is_dir()} - {".locks"}
    assert len(folders) == 12
    assert f"0000-{found[0].values['x']:.3g}-seed1" in folders
    assert "6 done, 0 running of 6 · best " in out.splitlines()[-1]


def test_runs_are_told_to_be_of_the_group_of_their_sweep_in_wandb(write_sweep, finish, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_RUN_GROUP", raising=False)
    monkeypatch.setenv("WANDB_TAGS", "mine")

    finish(write_sweep(run_cap=2))

    told = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "tiny").glob("*/tracked.json")]
    assert told == [{"WANDB_RUN_GROUP": "tiny", "WANDB_TAGS": "mine"}] * 2  # what the user has set stays

    monkeypatch.delenv("WANDB_TAGS")
    finish(write_sweep(name="again", run_cap=2))

    told = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "again").glob("*/tracked.json")]
    assert {one["WANDB_TAGS"] for one in told} == {"trial 0,seed 0", "trial 0,seed 1"}


def test_score_of_an_evaluation(write_sweep, finish, records):
    file = write_sweep(
        method="grid",
        run_cap=None,
        metric={"name": "test/f1", "goal": "maximize"},
        parameters={"x": {"values": [0.1, 0.4]}},
    )

    finish(file)

    assert [record.value for record in records(file)] == pytest.approx([0.9, 0.6])


def test_trial_that_fails_has_its_error_and_the_others_go_on(write_sweep, finish, records):
    grid = {"x": {"values": [0.1, 0.9, 0.3]}, "seed_everything": {"values": [0, 1]}}
    file = write_sweep(method="grid", run_cap=None, parameters=grid, command=[*COMMAND, "--limit=0.5"])

    out = finish(file, jobs=1)

    found = records(file)
    assert [record.state.name for record in found] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert found[1].error.startswith("0001-0.9-seed0, fit: error: x is beyond the limit (exit status 1; all of it in ")
    assert found[1].value is None
    assert f"Trial 1 failed: {found[1].error}" in out
    assert "2 done, 0 running, 1 failed of 3" in out
    before = [record.scores for record in found]
    finish(file)
    assert [record.scores for record in records(file)] == before


def test_trial_that_has_failed_is_made_again_in_its_place(write_sweep, finish, records, notes, tmp_path):
    (tmp_path / "broken").touch()
    grid = {"x": {"values": [0.1, 0.2]}, "seed_everything": {"values": [0, 1]}}
    command = [*COMMAND, f"--broken={tmp_path / 'broken'}"]
    file = write_sweep(method="grid", run_cap=None, parameters=grid, command=command)
    finish(file)
    assert states(records(file)) == {"FAIL": 2}

    opened(file, tmp_path).retry_failed()
    finish(file)

    assert states(records(file)) == {"FAIL": 2}
    (tmp_path / "broken").unlink()
    finish(file)
    assert states(records(file)) == {"FAIL": 2}  # only what is asked for is made again
    assert opened(file, tmp_path).retry_failed() == 2
    assert states(records(file)) == {"WAITING": 2}
    finish(file)
    found = records(file)
    assert [(record.number, record.values["x"], record.error) for record in found] == [(0, 0.1, None), (1, 0.2, None)]
    for record in found:
        loss = (record.values["x"] - 0.3) ** 2 + 1 / 3
        assert record.scores == pytest.approx({"0": loss, "1": loss + 0.01})
    folders = {path.name for path in (tmp_path / "runs" / "tiny").glob("*seed*")}
    assert folders == {f"000{number}-{x}-seed{seed}" for number, x in enumerate((0.1, 0.2)) for seed in (0, 1)}
    assert notes() == ""  # runs with a checkpoint have gone on
    assert opened(file, tmp_path).retry_failed() == 0


def test_run_of_other_options_in_the_folder_is_not_taken_for_the_trial(write_sweep, finish, records, tmp_path):
    grid = {"x": {"values": [0.1]}}
    file = write_sweep(method="grid", run_cap=None, parameters=grid)
    finish(file)
    (tmp_path / "runs" / "tiny" / "trials.journal").unlink()
    other = write_sweep(method="grid", run_cap=None, parameters=grid, command=[*COMMAND, "--limit=0.5"])

    finish(other)

    (record,) = records(other)
    assert "holds a run with other options than this trial's; remove it" in record.error


def test_runs_that_are_finished_are_recognised_without_their_study(write_sweep, finish, records, notes, tmp_path):
    file = write_sweep()
    finish(file)
    before = [record.scores for record in records(file)]
    (tmp_path / "runs" / "tiny" / "trials.journal").unlink()

    finish(file)

    assert [record.scores for record in records(file)] == before
    assert notes() == ""


def test_trial_that_falls_behind_is_given_up_within_an_epoch(write_sweep, finish, records, tmp_path):
    grid = {"x": {"values": [0.3, 0.31, 2.0, 3.0]}, "seed_everything": {"values": [0, 1]}}
    file = write_sweep(
        method="grid",
        run_cap=None,
        parameters=grid,
        early_terminate={"type": "hyperband", "min_iter": 2, "eta": 2},
        command=[*COMMAND[:-2], "--epochs=4", "--seconds=0.8"],
    )

    finish(file, jobs=4)

    found = records(file)
    assert found[0].state == TrialState.COMPLETE
    assert found[3].state == TrialState.PRUNED
    assert found[3].error is None
    run = tmp_path / "runs" / "tiny" / "0003-3-seed0"
    assert max(found[3].epochs) == 2
    assert len((run / "metrics.csv").read_text().splitlines()) <= 1 + 3
    assert not (run / "training.json").exists()
    assert not (tmp_path / "runs" / "tiny" / "0003-3-seed1").exists()


def test_worker_that_loses_its_locks_ends_its_runs_and_says_so(write_sweep, workers, postgresql):
    import psycopg

    file = write_sweep(command=[*COMMAND[:-1], "--seconds=60"])
    storage = own_database(postgresql, "lost")
    process = workers(file, storage)
    while len(children := children_of(process.pid)) < 2:
        time.sleep(0.02)

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'lost'")

    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RunError: the storage of tiny no longer answers: " in err
    assert not any(map(is_alive, children))


def test_children_end_with_a_worker_that_is_killed(write_sweep, workers):
    process = workers(write_sweep(command=[*COMMAND[:-1], "--seconds=60"]))
    while len(children := children_of(process.pid)) < 2:
        time.sleep(0.02)
    time.sleep(0.5)

    process.kill()

    process.wait()
    end = time.monotonic() + 10
    while any(map(is_alive, children)):
        assert time.monotonic() < end
        time.sleep(0.02)


def killed_and_started_again(file, workers, finish, n_kills, seed, storage=None):
    """Kills a worker at random moments, and then lets one come to its end."""
    moments = random.Random(seed)
    n_killed = 0
    while n_killed < n_kills:
        process = workers(file, storage)
        if moments.random() < 0.8:
            process.stdout.readline()
        time.sleep(moments.uniform(0, 0.8))
        assert process.poll() is None, "it came to its end before it was killed"
        process.kill()
        process.wait()
        n_killed += 1
    finish(file, storage)


def check_whole(file, finish, records, notes, write_sweep, n_trials, storage=None):
    """All trials are complete with the values and scores of a sweep that nothing happened to."""
    found = records(file, storage)
    assert [record.number for record in found] == list(range(n_trials))
    assert states(found) == {"COMPLETE": n_trials}
    for record in found:
        loss = (record.values["x"] - 0.3) ** 2 + 1 / 3
        assert record.scores == pytest.approx({"0": loss, "1": loss + 0.01})
    assert notes() == ""


def undisturbed_values(records, finish, write_sweep, **changes):
    file = write_sweep("undisturbed", command=[*COMMAND[:-1], "--seconds=0"], **changes)
    finish(file)
    return [record.values for record in records(file)]


def test_sweep_that_is_killed_goes_on(write_sweep, workers, finish, records, notes):
    file = write_sweep(command=SLOWER)

    killed_and_started_again(file, workers, finish, n_kills=3, seed=0)

    check_whole(file, finish, records, notes, write_sweep, n_trials=6)
    assert [one.values for one in records(file)] == undisturbed_values(records, finish, write_sweep)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["journal", "sqlite", "postgresql"])
def test_sweep_that_is_killed_twenty_times_goes_on(
    kind, write_sweep, workers, finish, records, notes, request, tmp_path
):
    file = write_sweep(run_cap=60, command=[*COMMAND[:-1], "--seconds=0.25"])
    urls = {"journal": lambda: None, "sqlite": lambda: f"sqlite:///{tmp_path}/trials.db"}
    storage = urls.get(kind, lambda: own_database(request.getfixturevalue("postgresql"), "killed"))()

    killed_and_started_again(file, workers, finish, n_kills=20, seed=1, storage=storage)

    check_whole(file, finish, records, notes, write_sweep, n_trials=30, storage=storage)
    values = [one.values for one in records(file, storage)]
    assert values == undisturbed_values(records, finish, write_sweep, run_cap=60)


def own_database(server, name):
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.rpartition("/")[0] + f"/{name}"


@pytest.mark.parametrize("kind", ["journal", "postgresql"])
def test_workers_share_a_study_and_take_up_what_a_dead_one_leaves(kind, write_sweep, workers, records, notes, request):
    file = write_sweep(run_cap=24, command=SLOWER)
    storage = own_database(request.getfixturevalue("postgresql"), "shared") if kind == "postgresql" else None
    started = [workers(file, storage) for _ in range(3)]  # at once, on a storage that is not there yet
    assert started[0].stdout.readline() == "begun\n"
    while len(children_of(started[0].pid)) < 2:
        time.sleep(0.02)

    os.kill(started[0].pid, signal.SIGKILL)

    for process in started[1:]:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    found = records(file, storage)
    assert states(found) == {"COMPLETE": 12}
    assert notes() == ""
    assert len({record.values["x"] for record in found}) == 12
