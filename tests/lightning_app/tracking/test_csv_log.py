"""The file is read by Python's own csv, and held against all that was logged."""

import csv

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_app.tracking import CsvLog
from modules import DSAE


def rows_of(folder, name="metrics.csv"):
    with (folder / name).open(newline="") as file:
        return [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]


def text(**values):
    return {key: str(value) for key, value in values.items()}


def test_row_for_each_step_with_all_that_was_logged_at_it(tmp_path):
    log = CsvLog(tmp_path)
    log.log_metrics({"a": 0.1, "epoch": 0}, 3)
    log.log_metrics({"b": torch.tensor(2.5)}, 3)  # a new column, in the same row
    log.log_metrics({"a": 0.2}, 4)
    log.log_metrics({"a": 0.25, "b": 1e-12, "epoch": 1}, 7)
    log.log_metrics({"a": 123456.789}, 7)  # longer than what it replaces
    log.log_metrics({"a": 1.0}, 7)  # shorter
    log.log_metrics({"c": float("nan")}, 8)
    log.log_metrics({"a": 3.0}, 9)

    assert rows_of(tmp_path) == [
        text(epoch=0, step=3, a=0.1, b=2.5),
        text(step=4, a=0.2),
        text(epoch=1, step=7, a=1.0, b=1e-12),
        text(step=8, c="nan"),
        text(step=9, a=3.0),
    ]


def test_each_row_is_there_as_soon_as_it_is_logged(tmp_path):
    log = CsvLog(tmp_path)
    for step in range(5):
        log.log_metrics({"a": step / 10}, step)
        assert [row["a"] for row in rows_of(tmp_path)] == [str(earlier / 10) for earlier in range(step + 1)]


def test_training_that_goes_on_drops_what_came_after_its_checkpoint(tmp_path):
    before = CsvLog(tmp_path)
    for step in range(6):
        before.log_metrics({"a": step, "b": -step}, step)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("9,9")  # a row whose writing was broken off

    log = CsvLog(tmp_path)
    log.begin("fit", 4)
    log.log_metrics({"c": 7}, 4)
    log.log_metrics({"a": 8}, 4)

    assert [row["step"] for row in rows_of(tmp_path)] == ["0", "1", "2", "3", "4"]
    assert rows_of(tmp_path)[3] == text(step=3, a=3, b=-3)
    assert rows_of(tmp_path)[4] == text(step=4, a=8, c=7)


def test_new_training_starts_a_new_log(tmp_path):
    CsvLog(tmp_path).log_metrics({"a": 1}, 0)

    log = CsvLog(tmp_path)
    log.begin("fit", 0)
    log.log_metrics({"b": 2}, 0)

    assert rows_of(tmp_path) == [text(step=0, b=2)]


def test_other_calls_have_files_of_their_own_that_the_next_call_replaces(tmp_path):
    CsvLog(tmp_path).log_metrics({"a": 1}, 0)
    for value in (2, 3):
        log = CsvLog(tmp_path)
        log.begin("test", 50)
        log.log_metrics({"b": value}, 50)

    assert rows_of(tmp_path) == [text(step=0, a=1)]
    assert rows_of(tmp_path, "metrics.test.csv") == [text(step=50, b=3)]


@pytest.fixture
def trained(tmp_path, tiny_clips, quiet_trainer):
    """Trains to a number of epochs, from the last checkpoint where there is one, with what logs at each step."""

    class LogsSteps(DSAE):
        def training_step(self, batch, batch_idx):
            self.log("train/step", float(self.global_step), on_step=True, on_epoch=False)
            return super().training_step(batch, batch_idx)

    def train(name, n_epochs, ckpt_path=None):
        torch.manual_seed(0)
        last = ModelCheckpoint(tmp_path / name / "c", "last", save_on_train_epoch_end=True)
        log = CsvLog(tmp_path / name)
        trainer = quiet_trainer(last, max_epochs=n_epochs, logger=log, log_every_n_steps=1)
        model = LogsSteps((9, 10), v_dim=2, z_dim=3)
        log.begin("fit", 0 if ckpt_path is None else torch.load(ckpt_path, weights_only=False)["global_step"])
        trainer.fit(model, tiny_clips(), ckpt_path=ckpt_path, weights_only=False)
        return rows_of(tmp_path / name), last.best_model_path

    return train


def test_lightning_logs_an_epoch_in_one_row(trained):
    rows, _ = trained("whole", 3)

    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    assert [row["train/step"] for row in rows] == ["0.0", "1.0", "2.0", "3.0", "4.0", "5.0"]
    ends = [row for row in rows if "val/loss" in row]
    assert [row["epoch"] for row in ends] == ["0", "1", "2"]
    assert all("train/loss" in row for row in ends)


def test_resumed_training_has_one_log(trained):
    _, checkpoint = trained("resumed", 2)
    rows, _ = trained("resumed", 4, checkpoint)

    assert [row["step"] for row in rows] == [str(step) for step in range(8)]
    assert [row["epoch"] for row in rows if "val/loss" in row] == ["0", "1", "2", "3"]
