"""Checkpoints of other models, and files that are none."""

import os
import zipfile
from pathlib import Path

import pytest
import torch
from lightning import LightningModule
from torch import nn

from lightning_app.errors import RunError
from lightning_app.runs.checkpoint import (
    evaluated_state,
    load_weights,
    newest_whole_checkpoint,
    read_checkpoint,
    require_fit,
    trained_step,
)
from lightning_app.runs.run_folder import RunFolder
from modules.dsae import DSAE
from modules.errors import ModelError
from modules.vae import BetaVAE


@pytest.fixture
def save(tmp_path, quiet_trainer):
    """Saves a model as a run does, and returns the path of its checkpoint."""

    def write(model, name="model.ckpt"):
        trainer = quiet_trainer()
        trainer.strategy.connect(model)
        trainer.save_checkpoint(tmp_path / name)
        return tmp_path / name

    return write


def small_vae(**options):
    return BetaVAE(**{"x_shape": (1, 32, 32), "latent_dim": 4, "width": 1 / 16, **options})


def test_weights_are_those_of_the_checkpoint(save):
    trained, model = DSAE((9, 10)), DSAE((9, 10))
    load_weights(model, save(trained))

    for name, weights in trained.named_parameters():
        assert torch.equal(model.get_parameter(name), weights)


def test_checkpoint_says_how_far_it_was_trained(save, tmp_path):
    path = save(DSAE((9, 10)))

    assert trained_step(path) == 0
    assert evaluated_state(path) == {"checkpoint": "model.ckpt", "epoch": 0, "step": 0}
    assert trained_step(tmp_path / "nowhere.ckpt") is None
    assert evaluated_state(None) == {}


def test_checkpoint_of_another_kind_of_model(save):
    with pytest.raises(RunError, match=r"is a checkpoint of another model, not of modules\.vae\.module\.BetaVAE"):
        load_weights(small_vae(), save(DSAE((9, 10))))


def test_checkpoint_of_other_settings(save):
    with pytest.raises(RunError, match=r"of a model with latent_dim 4 \(here 8\); take the config of its run"):
        load_weights(small_vae(latent_dim=8), save(small_vae()))
    with pytest.raises(ModelError, match=r"z_dim 3 \(here 4\)"):
        load_weights(DSAE((9, 10), z_dim=4), save(DSAE((9, 10), z_dim=3)))


class BuiltLater(LightningModule):
    """A model whose layers are made with the data."""

    def setup(self, stage):
        self.layer = nn.Linear(2, 2)


def test_model_that_is_built_later_is_compared_later(save):
    require_fit(BuiltLater(), save(DSAE((9, 10))))


@pytest.mark.parametrize("n_bytes", [0, 20, 5000])
def test_checkpoint_that_was_cut_short(save, n_bytes):
    path = save(DSAE((9, 10)))
    path.write_bytes(path.read_bytes()[:n_bytes])

    with pytest.raises(RunError, match=r"model\.ckpt is not a checkpoint, or was cut short") as raised:
        read_checkpoint(path)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [{"weights": 3}, [1, 2], Path("a"), {"state_dict": {}}], ids=repr)
def test_file_of_others(tmp_path, content):
    torch.save(content, tmp_path / "other.ckpt")

    with pytest.raises(RunError, match=r"other\.ckpt is not a checkpoint"):
        read_checkpoint(tmp_path / "other.ckpt")


def test_no_file(tmp_path):
    with pytest.raises(RunError, match=r"no checkpoint at .*nowhere\.ckpt"):
        read_checkpoint(tmp_path / "nowhere.ckpt")


@pytest.mark.parametrize("part", ["data/0", "data.pkl"])
def test_checkpoint_that_was_damaged_inside(save, part):
    path = save(DSAE((9, 10)))
    with zipfile.ZipFile(path) as archive:
        (place,) = [one.header_offset for one in archive.infolist() if one.filename.endswith(f"/{part}")]
    content = bytearray(path.read_bytes())
    content[place + 200] ^= 1  # past the header of that part, and what it is aligned by
    path.write_bytes(content)

    with pytest.raises(RunError, match=rf"model\.ckpt was damaged after it was written \(.*{part}\); take another"):
        read_checkpoint(path)


class Malicious:
    """Runs a program as it is read by those who read objects."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_objects_are_refused_in_one_sentence_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "epoch": 0, "global_step": 0, "other": Malicious()}, "model.ckpt")

    with pytest.raises(RunError, match="it holds objects other than weights, which are not loaded") as raised:
        read_checkpoint(Path("model.ckpt"))

    assert "\n" not in str(raised.value)
    assert not Path("ran").exists()


def test_newest_checkpoint_is_the_newest_whole_one(save, tmp_path, capsys):
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    for name in ("best", "last"):
        save(DSAE((9, 10))).rename(folder.checkpoints / f"{name}.ckpt")
    content = bytearray(folder.last_checkpoint.read_bytes())
    assert newest_whole_checkpoint(folder) == folder.last_checkpoint
    content[len(content) // 2] ^= 1
    folder.last_checkpoint.write_bytes(content)
    (folder.checkpoints / f".{'0' * 32}.ckpt").write_bytes(b"")  # what a killed process leaves

    assert newest_whole_checkpoint(folder) == folder.best_checkpoint
    assert capsys.readouterr().out == (
        f"last.ckpt in {folder.checkpoints} cannot be read; taking best.ckpt, of step 0.\n"
    )
