"""Studies and their storages: what is said of those that are not there, or are of another sweep."""

import re
import socket

import pytest

from lightning_app.errors import RunError, UsageError
from lightning_app.sweeps.opening import keep_file, look_up, open_study
from lightning_app.sweeps.retries import attributes_of_retry, number_of
from lightning_app.sweeps.sweep_file import read_sweep

GRID = {"method": "grid", "run_cap": None, "parameters": {"x": {"values": [1, 2]}, "y": {"values": [3, 4, 5]}}}


def test_points_of_a_grid_are_taken_once_each_and_the_first_option_is_slowest(write_sweep, tmp_path):
    study = open_study(read_sweep(write_sweep(**GRID)), tmp_path / "runs", None)

    taken = []
    while (trial := study.take()) is not None:
        taken.append(tuple(study.values_of(trial).values()))
        study.complete(trial, 1.0)

    assert taken == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_sweep_that_is_opened_anew_draws_no_value_again(write_sweep, tmp_path, method):
    sweep = read_sweep(write_sweep(method=method, run_cap=12))

    def drawn(runs, n_opened):
        values = []
        for _ in range(n_opened):
            study = open_study(sweep, tmp_path / runs, None, seed=3)
            for _ in range(6 // n_opened):
                trial = study.take()
                values.append(study.values_of(trial)["x"])
                study.complete(trial, values[-1])
        return values

    assert drawn("once", 1) == drawn("anew", 3)
    assert len(set(drawn("again", 6))) == 6


def test_trials_that_are_taken_are_another_workers(write_sweep, tmp_path):
    """Within a process and between two that have it open."""
    sweep = read_sweep(write_sweep(**GRID))
    one, other = (open_study(sweep, tmp_path / "runs", None) for _ in range(2))

    numbers = [(one if number % 2 else other).take().number for number in range(6)]

    assert numbers == [0, 1, 2, 3, 4, 5]
    assert one.take() is None
    assert other.take() is None


def test_sweep_may_be_extended_but_not_changed(write_sweep, tmp_path):
    runs = tmp_path / "runs"
    open_study(read_sweep(write_sweep()), runs, None)

    assert open_study(read_sweep(write_sweep(run_cap=40)), runs, None).sweep.n_trials == 20
    parameters = {"x": {"min": 0.0, "max": 2.0}, "seed_everything": {"values": [0, 1]}}
    with pytest.raises(UsageError, match=r"begun with another file than .*tiny.yaml: parameters.x.max differs\. Go on"):
        open_study(read_sweep(write_sweep(parameters=parameters)), runs, None)
    with pytest.raises(UsageError, match=r"metric\.goal, --seed differ\."):
        open_study(read_sweep(write_sweep(metric={"name": "val/loss", "goal": "maximize"})), runs, None, seed=1)


def test_two_that_retry_at_a_time_make_a_failed_trial_again_once(write_sweep, tmp_path):
    sweep = read_sweep(write_sweep(**GRID))
    one, other = (open_study(sweep, tmp_path / "runs", None) for _ in range(2))
    one.fail(one.take(), "no memory")
    failed = one.study.get_trials(deepcopy=False)[0]

    assert one.retry_failed() == 1
    other.study.enqueue_trial(failed.params, dict(attributes_of_retry(failed)))  # what the other was about to do

    taken = [(number_of(trial), *one.values_of(trial).values()) for trial in iter(one.take, None)]
    assert sorted(taken) == [(0, 1, 3), (1, 1, 4), (2, 1, 5), (3, 2, 3), (4, 2, 4), (5, 2, 5)]
    assert other.take() is None
    assert [record.number for record in other.records()] == [0, 1, 2, 3, 4, 5]


def test_a_sweep_with_retries_may_be_extended(write_sweep, tmp_path):
    study = open_study(read_sweep(write_sweep(run_cap=4)), tmp_path / "runs", None)
    values = []
    for _ in range(2):
        trial = study.take()
        values.append(study.values_of(trial)["x"])
        study.fail(trial, "no memory")
    assert study.retry_failed() == 2

    longer = open_study(read_sweep(write_sweep(run_cap=6)), tmp_path / "runs", None)

    drawn = {number_of(trial): longer.values_of(trial)["x"] for trial in iter(longer.take, None)}
    assert len(drawn) == len(set(drawn.values())) == 3
    assert [drawn[0], drawn[1]] == values


def test_half_a_line_at_the_end_of_a_journal_is_dropped(write_sweep, tmp_path):
    sweep = read_sweep(write_sweep(**GRID))
    study = open_study(sweep, tmp_path / "runs", None)
    study.complete(study.take(), 0.5)
    with (tmp_path / "runs" / "trials.journal").open("a") as journal:
        journal.write('{"op_code": 6, "trial')

    again = open_study(sweep, tmp_path / "runs", None)

    assert again.take().number == 1
    assert again.records()[0].value == 0.5


def test_folder_of_a_sweep_tells_all_of_it(write_sweep, tmp_path):
    sweep = read_sweep(write_sweep("unnamed", name=None, **GRID))
    study = open_study(sweep, tmp_path / "runs" / "unnamed", None)
    study.complete(study.take(), 0.5)
    keep_file(sweep, study.folder)

    moved = study.folder.rename(tmp_path / "moved")

    assert look_up(str(moved), tmp_path, None).records()[0].value == 0.5


def test_no_trials_to_look_at(write_sweep, tmp_path):
    file = write_sweep()
    runs = tmp_path / "runs"
    with pytest.raises(
        RunError, match=r"no trials of tiny in .*runs/tiny. `disentangle sweep run .*tiny.yaml` makes them"
    ):
        look_up(str(file), runs, None)
    with pytest.raises(RunError, match="no trials of tiny in sqlite:"):
        look_up(str(file), runs, f"sqlite:///{tmp_path}/other.db")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("trials.db", "--storage 'trials.db' is no URL of a database. Name one like postgresql://user@host/database"),
        ("mysql://me@here/db", "--storage mysql://me@here/db: mysql is not supported. Name one like"),
        ("sqlite://", "--storage 'sqlite://' is kept in no file"),
        ("sqlite:////nowhere/trials.db", "--storage sqlite:////nowhere/trials.db does not answer: unable to open"),
    ],
)
def test_storage_that_is_none(write_sweep, tmp_path, url, said):
    with pytest.raises(RunError, match=re.escape(said)):
        open_study(read_sweep(write_sweep()), tmp_path / "runs", url)


def test_server_that_does_not_answer(write_sweep, tmp_path):
    with socket.socket() as taken:  # and does not listen
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://me:secret@127.0.0.1:{taken.getsockname()[1]}/trials"
        with pytest.raises(RunError, match=r"--storage postgresql\+?\w*://me:\*\*\*@127.* does not answer: ") as error:
            open_study(read_sweep(write_sweep()), tmp_path / "runs", url)
    assert "secret" not in str(error.value)


def test_folder_that_cannot_be_made(write_sweep, tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match=r"cannot write to .*; name another folder with --runs"):
        open_study(read_sweep(write_sweep()), tmp_path / "runs" / "tiny", None)
