"""Small real things for the tests of runs: a set of clips on disk, and the command line on rendered melodies."""

from pathlib import Path

import numpy as np
import pytest
from lightning import LightningDataModule, Trainer
from torch.utils.data import DataLoader

from datamodules.clips import ClipDataset
from datamodules.log_mel import LogMelSpec
from lightning_app.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"


class TinyClips(LightningDataModule):
    """Sequences of noise whose level tells their class, as a cache entry would hold them."""

    def __init__(self, folder: Path, n_clips: int = 12, n_frames: int = 9, classes: int = 2) -> None:
        super().__init__()
        self.log_mel = LogMelSpec(sample_rate=8000, n_fft=256, hop_length=128, n_mels=10)
        self.batch_size = 4
        self.class_names = {"instrument": ("violin", "trumpet")[:classes]}
        folder.mkdir()
        instrument = np.arange(n_clips) % classes
        noise = np.random.default_rng(0).normal(size=(n_clips, n_frames, self.log_mel.n_mels))
        np.save(folder / "log_mel.npy", (noise + 3.0 * instrument[:, None, None]).astype(np.float32))
        np.save(folder / "instrument.npy", instrument)
        n_train = n_clips * 2 // 3
        self.train_dataset = ClipDataset(folder, np.arange(n_train))
        self.validation_dataset = ClipDataset(folder, np.arange(n_train, n_clips))

    def train_dataloader(self):
        return DataLoader(self.train_dataset, batch_size=self.batch_size)

    def val_dataloader(self):
        return DataLoader(self.validation_dataset, batch_size=self.batch_size)

    def test_dataloader(self):
        return self.val_dataloader()


@pytest.fixture
def tiny_clips(tmp_path):
    """Makes a `TinyClips`."""

    def make(**options):
        return TinyClips(tmp_path / f"clips{len(list(tmp_path.glob('clips*')))}", **options)

    return make


@pytest.fixture
def quiet_trainer(tmp_path):
    """Builds a real trainer on the CPU, with the given callbacks, that logs and prints nothing."""

    def build(*callbacks, **options):
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
        common = {"accelerator": "cpu", "logger": False, "default_root_dir": tmp_path}
        return Trainer(**{**quiet, **common, **options}, callbacks=list(callbacks))

    return build


@pytest.fixture(scope="session")
def render_cache(tmp_path_factory):
    """A cache of rendered clips that the tests of one process share."""
    return tmp_path_factory.mktemp("render_cache")


@pytest.fixture
def disentangle(tmp_path, render_cache):
    """Runs the command line on a configuration of the project, made small; returns the run's folder."""

    def run(subcommand: str, *options: str, config: str = "ts_dsae", folder: str = "run", logger: bool = False) -> Path:
        root = tmp_path / folder
        small = [
            *["--trainer.default_root_dir", str(root), "--trainer.accelerator", "cpu"],
            *["--data.cache_dir", str(render_cache), "--data.size", "8", "--data.batch_size", "3"],
            *["--data.log_mel.n_mels", "12", "--data.log_mel.hop_length", "1024", "--data.render_workers", "1"],
            *["--model.z_dim", "4", "--trainer.max_epochs", "3", "--trainer.enable_progress_bar", "false"],
            *["--media.n_examples", "1"],
        ]
        if config != "dsae":
            small += ["--schedule.constrained_epochs", "1"]
        if not logger:
            small += ["--trainer.logger", "false"]
        main([subcommand, "-c", str(CONFIGS / f"{config}.yaml"), *small, *options])
        return root

    return run
