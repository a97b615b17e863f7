"""What is read of a run's log, from files as they are on disk."""

import numpy as np
import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import best_epoch, logged, read_rows, stage_starts, validation_epochs

KEYS = ("val/scc/depth", "val/mig/depth")
HEADER = "epoch,step,train/loss,val/scc/depth,val/mig/depth"


@pytest.fixture
def log(tmp_path):
    """Writes a run's log."""

    def write(*lines, header=HEADER, subcommand="fit"):
        run = RunFolder(tmp_path)
        run.metrics_of(subcommand).write_text("\n".join([header, *lines]) + "\n")
        return run

    return write


def read(run, keys=KEYS):
    return {name: values.tolist() for name, values in validation_epochs(run, keys).items()}


def test_validation_epochs_without_the_rows_of_training(log):
    run = log("0,9,3.5,,", ",10,2.0,,", "0,11,,0.25,0.5", "1,19,3.0,,", "1,21,,-0.125,1e-3", ",29,,,")

    assert read(run) == {"epoch": [0.0, 1.0], "val/scc/depth": [0.25, -0.125], "val/mig/depth": [0.5, 1e-3]}


def test_order_of_keys_is_the_callers(log):
    run = log("0,9,,0.25,0.5")

    assert list(read(run, KEYS[::-1])) == ["epoch", *KEYS[::-1]]
    assert read(run, KEYS[::-1])["val/mig/depth"] == [0.5]


def test_epochs_ascend_whatever_their_order_in_the_log(log):
    run = log("11,9,,11.0,0.0", "2,9,,2.0,0.0", "1,9,,1.0,0.0")

    assert read(run)["epoch"] == [1.0, 2.0, 11.0]
    assert read(run)["val/scc/depth"] == [1.0, 2.0, 11.0]


def test_epoch_that_lacks_a_key_is_not_whole(log):
    run = log("0,9,,0.25,", "1,19,,0.5,0.75")

    assert read(run)["epoch"] == [1.0]


def test_all_that_was_logged(log):
    run = log(",0,,,", "0,9,3.5,0.25,nan", ",10,,,", "1,19,3.0,,0.5")

    columns = logged(run)

    assert columns["step"].tolist() == [0, 9, 10, 19]
    assert columns["epoch"].tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(columns["val/mig/depth"], [np.nan, np.nan, np.nan, 0.5])


def test_log_of_another_call(log):
    log("0,9,3.5,0.25,0.5")
    run = log("0,0,7.0", header="epoch,step,test/loss", subcommand="test")

    assert logged(run, "test")["test/loss"].tolist() == [7.0]


def test_row_that_is_being_written_is_left_out(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,val/loss\n0,9,2.5\n1,19,1.2")

    assert read_rows(tmp_path / "metrics.csv") == [{"epoch": "0", "step": "9", "val/loss": "2.5"}]


def test_run_without_a_log_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"nothing is logged in .*nowhere.metrics\.csv; name the folder of a run"):
        validation_epochs(RunFolder(tmp_path / "nowhere"), KEYS)


def test_log_without_the_metrics_is_refused(log):
    run = log("0,9,3.5,0.1", header="epoch,step,val/loss,val/mig/depth")

    with pytest.raises(RunError, match=r"has no val/scc/depth; it has val/loss, val/mig/depth\."):
        validation_epochs(run, KEYS)


def test_log_without_validation_is_refused(log):
    run = log("0,9,3.5", header="epoch,step,train/loss")

    with pytest.raises(RunError, match=r"has no val/scc/depth, val/mig/depth; it has no validation\."):
        validation_epochs(run, KEYS)


def test_log_without_a_whole_epoch_is_refused(log):
    with pytest.raises(RunError, match="has no whole epoch yet"):
        validation_epochs(log("0,9,3.5,,"), KEYS)


def test_best_epoch(log):
    run = log("0,9,2.5", "1,19,nan", "2,29,1.5", "3,39,1.5", "4,49,3.5", header="epoch,step,val/loss")

    assert best_epoch(run, "val/loss", "min") == (1.5, 2)
    assert best_epoch(run, "val/loss", "max") == (3.5, 4)


def test_best_epoch_is_one_of_the_last_stage(log):
    """The first stage's loss has fewer terms."""
    run = log("0,9,1,0.1", "1,19,1,0.2", "2,29,2,1.5", "3,39,2,1.25", header="epoch,step,stage,val/loss")

    assert best_epoch(run, "val/loss", "min") == (1.25, 3)


def test_stages_begin(log):
    run = log(",0,1", "0,9,1", "1,19,1", "2,29,2", "3,39,2", header="epoch,step,stage")

    assert stage_starts(logged(run)) == [2.0]


def test_training_in_one_stage(log):
    assert stage_starts(logged(log("0,9,1", "1,19,1", header="epoch,step,stage"))) == []
    assert stage_starts(logged(log("0,9,1", header="epoch,step,val/loss"))) == []
