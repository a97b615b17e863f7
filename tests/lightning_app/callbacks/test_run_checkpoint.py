"""Lightning's own fit decides what is best; the folder is moved for real."""

import shutil

import pytest
import torch

from lightning_app.callbacks import RunCheckpoint
from modules import DSAE


class Scored(DSAE):
    """Its monitored loss is what the test says, by epoch."""

    losses = (3.0, 2.0, 5.0, 4.0, 1.0)

    def validation_step(self, batch, batch_idx):
        self.log("val/score", torch.tensor(self.losses[self.current_epoch]), batch_size=1)


def trained(trainer, folder, n_epochs, clips, ckpt_path=None):
    best = RunCheckpoint(folder / "c", "best", monitor="val/score", enable_version_counter=False)
    last = RunCheckpoint(folder / "c", "last", save_on_train_epoch_end=True, enable_version_counter=False)
    trainer(best, last, max_epochs=n_epochs).fit(
        Scored((9, 10), v_dim=2, z_dim=3), clips, ckpt_path=ckpt_path, weights_only=False
    )
    return best


def epoch_of(path):
    return torch.load(path, weights_only=False)["epoch"]


@pytest.mark.parametrize(("n_epochs", "expected"), [(4, 1), (5, 4)])
def test_moved_run_keeps_its_best_until_a_better_one(tmp_path, tiny_clips, quiet_trainer, n_epochs, expected):
    trained(quiet_trainer, tmp_path / "before", 2, tiny_clips())
    shutil.move(tmp_path / "before", tmp_path / "after")

    best = trained(quiet_trainer, tmp_path / "after", n_epochs, tiny_clips(), tmp_path / "after/c/last.ckpt")

    assert epoch_of(tmp_path / "after/c/best.ckpt") == expected
    assert best.best_model_path == str(tmp_path / "after/c/best.ckpt")
    assert not (tmp_path / "before").exists()


def test_best_that_did_not_move_along_is_forgotten(tmp_path, tiny_clips, quiet_trainer):
    trained(quiet_trainer, tmp_path / "before", 2, tiny_clips())
    (tmp_path / "after").mkdir()
    shutil.copy(tmp_path / "before/c/last.ckpt", tmp_path / "after/last.ckpt")

    best = trained(quiet_trainer, tmp_path / "after", 3, tiny_clips(), tmp_path / "after/last.ckpt")

    assert best.best_model_score == 5.0
    assert epoch_of(tmp_path / "after/c/best.ckpt") == 2
