"""The log of a run that was stopped and resumed, read as one."""

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import validation_epochs

KEYS = ("val/scc/depth", "val/mig/depth")
HEADER = "epoch,step,train/loss,val/scc/depth,val/mig/depth"


@pytest.fixture
def log(tmp_path):
    """Writes one version of a run's log."""

    def write(version, *lines, header=HEADER):
        folder = tmp_path / "logs" / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text("\n".join([header, *lines]) + "\n")
        return RunFolder(tmp_path)

    return write


def read(run, keys=KEYS):
    return {name: values.tolist() for name, values in validation_epochs(run, keys).items()}


def test_validation_epochs_without_the_rows_of_training(log):
    run = log(0, "0,9,3.5,,", "0,9,,0.25,0.5", ",9,2.0,,", "1,19,3.0,,", "1,19,,-0.125,1e-3", ",19,,,")

    assert read(run) == {"epoch": [0.0, 1.0], "val/scc/depth": [0.25, -0.125], "val/mig/depth": [0.5, 1e-3]}


def test_order_of_keys_is_the_callers(log):
    run = log(0, "0,9,,0.25,0.5")

    assert list(read(run, KEYS[::-1])) == ["epoch", *KEYS[::-1]]
    assert read(run, KEYS[::-1])["val/mig/depth"] == [0.5]


def test_later_version_counts_where_an_epoch_was_logged_twice(log):
    log(0, "0,9,,0.0,0.1", "1,19,,1.0,1.1", "2,29,,2.0,2.1")
    run = log(1, "1,19,,7.0,7.1", "2,29,,8.0,8.1", "3,39,,9.0,9.1")

    assert read(run) == {
        "epoch": [0.0, 1.0, 2.0, 3.0],
        "val/scc/depth": [0.0, 7.0, 8.0, 9.0],
        "val/mig/depth": [0.1, 7.1, 8.1, 9.1],
    }


def test_what_was_logged_after_the_epoch_that_a_later_part_took_up_does_not_count(log):
    log(0, "0,9,,0.0,0.1", "1,19,,1.0,1.1", "2,29,,2.0,2.1", "3,39,,3.0,3.1")
    run = log(1, "1,15,0.5,,", "1,19,,7.0,7.1")

    assert read(run)["epoch"] == [0.0, 1.0]
    assert read(run)["val/scc/depth"] == [0.0, 7.0]


def test_versions_are_in_the_order_of_their_numbers(log):
    log(10, "0,9,,10.0,0.0")
    log(9, "0,9,,9.0,0.0")
    run = log(2, "0,9,,2.0,0.0")

    assert read(run)["val/scc/depth"] == [10.0]


def test_epochs_ascend_whatever_their_order_in_the_log(log):
    run = log(0, "11,9,,11.0,0.0", "2,9,,2.0,0.0", "1,9,,1.0,0.0")

    assert read(run)["epoch"] == [1.0, 2.0, 11.0]
    assert read(run)["val/scc/depth"] == [1.0, 2.0, 11.0]


def test_columns_may_differ_from_version_to_version(log):
    log(0, "0,9,,0.75,0.5", header="epoch,step,train/loss,val/mig/depth,val/scc/depth")
    run = log(1, "0,0.1", header="epoch,test/loss")

    assert read(run) == {"epoch": [0.0], "val/scc/depth": [0.5], "val/mig/depth": [0.75]}


def test_epoch_that_lacks_a_key_is_not_whole(log):
    run = log(0, "0,9,,0.25,", "1,19,,0.5,0.75")

    assert read(run)["epoch"] == [1.0]


def test_run_without_a_log_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no log in .*nowhere; name the folder of a run with the CSV logger"):
        validation_epochs(RunFolder(tmp_path / "nowhere"), KEYS)


def test_log_without_the_metrics_is_refused(log):
    run = log(0, "0,9,3.5,0.1", header="epoch,step,val/loss,val/mig/depth")

    with pytest.raises(RunError, match=r"has no val/scc/depth; it has val/loss, val/mig/depth\."):
        validation_epochs(run, KEYS)


def test_log_without_validation_is_refused(log):
    run = log(0, "0,9,3.5", header="epoch,step,train/loss")

    with pytest.raises(RunError, match=r"has no val/scc/depth, val/mig/depth; it has no validation\."):
        validation_epochs(run, KEYS)


@pytest.mark.parametrize("lines", [(), ("0,9,3.5,,",)])
def test_log_without_a_whole_epoch_is_refused(log, lines):
    with pytest.raises(RunError, match="has no whole epoch yet"):
        validation_epochs(log(0, *lines), KEYS)
