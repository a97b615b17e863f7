"""Runs as lists show them, from folders as they are on disk."""

import json
import os
import signal
import subprocess
import sys

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder, Training
from lightning_app.runs.run_log import BestEpoch
from lightning_app.runs.run_summary import RunSummary, State, find_runs
from tests.lightning_app.runs.test_run_lock import HOLDS

CONFIG = {
    "name": "mine",
    "seed_everything": 3,
    "model": {"class_path": "modules.DSAE", "init_args": {"z_dim": 8}},
    "data": {
        "class_path": "datamodules.DMelodiesDataModule",
        "init_args": {"representation": {"class_path": "a.B", "init_args": {"n_mels": 20}}},
    },
    "checkpoint": {"class_path": "a.C", "init_args": {"monitor": "val/loss", "mode": "min"}},
}


@pytest.fixture
def run(tmp_path):
    """Writes a run's folder."""

    def write(name="mine", mark=None, losses=(), scores=None, config=CONFIG):
        folder = RunFolder(tmp_path / "runs" / name)
        folder.path.mkdir(parents=True)
        folder.config.write_text(json.dumps(config))
        if mark is not None:
            folder.mark_trained(mark)
        if losses:
            lines = [f"{epoch},{epoch},{loss}" for epoch, loss in enumerate(losses)]
            folder.metrics_of("fit").write_text("\n".join(["epoch,step,val/loss", *lines]) + "\n")
        if scores is not None:
            EvaluationRecord("SwapEvaluation", scores, {}, 9).write(folder)
        return folder

    return write


def test_what_a_run_is(run):
    summary = RunSummary.of(run(mark=Training(3, 9), losses=[3.0, 1.0, 2.0], scores={"swap_f1/global_swap": 0.5}))

    assert (summary.model, summary.data, summary.state, summary.epochs) == ("DSAE", "DMelodies", State.FINISHED, 3)
    assert summary.best == BestEpoch(1.0, 1)
    assert summary.scores == {"swap_f1/global_swap": 0.5}
    assert [summary.option(name) for name in ("model.z_dim", "data.representation.n_mels", "seed_everything")] == [
        *[8, 20, 3]
    ]


def test_size_is_of_all_files(run):
    folder = run()
    folder.checkpoints.mkdir()
    folder.best_checkpoint.write_bytes(bytes(100_000))

    assert RunSummary.of(folder).size == 100_000 + folder.config.stat().st_size


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (Training(3, 9, ended_by="max_epochs"), State.FINISHED),
        (Training(3, 9, ended_by="max_time", finished=False), State.STOPPED),
        (Training(3, 9, ended_by="interrupted", finished=False), State.STOPPED),
        (Training(3, 9, ended_by="error", finished=False), State.FAILED),
        (None, State.FAILED),
    ],
)
def test_state(run, mark, expected):
    assert RunSummary.of(run(mark=mark)).state is expected


def test_run_that_is_training_now_and_then_is_killed(run):
    folder = run()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder.path), "fit"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        assert RunSummary.of(folder).state is State.RUNNING
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert RunSummary.of(folder).state is State.FAILED


def test_run_before_its_first_epoch(run):
    summary = RunSummary.of(run())

    assert (summary.epochs, summary.best, summary.scores) == (0, None, {})


def test_option_that_there_is_not(run):
    with pytest.raises(RunError, match=r"config\.yaml has no model\.zdim; name an option of the run"):
        RunSummary.of(run()).option("model.zdim")


def test_runs_are_found_at_any_depth(run, tmp_path):
    for name in ("b", "sweep/one", "sweep/two", "a"):
        run(name)
    (tmp_path / "runs" / "figures").mkdir()

    found = [folder.path.relative_to(tmp_path / "runs").as_posix() for folder in find_runs(tmp_path / "runs")]

    assert found == ["a", "b", "sweep/one", "sweep/two"]


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match=r"no folder .*nowhere; name the folder of your runs"):
        list(find_runs(tmp_path / "nowhere"))
