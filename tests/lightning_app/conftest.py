"""Small real things for the tests of runs: clips and notes on disk, and the command line on them."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from lightning import Callback, LightningDataModule, Trainer
from torch.utils.data import DataLoader, default_collate

from datamodules.clips.dataset import ClipDataset
from datamodules.nsynth.datamodule import NSynthDataModule
from lightning_app.cli import main
from modules.audio import LogMagnitudePicture, LogMelSequence

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL_PICTURE = LogMagnitudePicture(size=128, hop_length=128)


class Silent(Callback):
    """Does nothing, but might log anything."""


class TinyClips(LightningDataModule):
    """Sequences of noise whose level tells their class: data of another's making, with what evaluations need of it."""

    attributes = ()

    def __init__(self, folder: Path, n_clips: int = 12, n_frames: int = 9, classes: int = 2) -> None:
        super().__init__()
        self.representation = LogMelSequence(sample_rate=8000, n_fft=256, hop_length=128, n_mels=10)
        self.x_shape = (n_frames, 10)
        self.n_samples = (n_frames - 1) * 128
        self.batch_size = 4
        self.class_names = {"instrument": ("violin", "trumpet")[:classes]}
        instrument = np.arange(n_clips) % classes
        noise = np.random.default_rng(0).normal(size=(n_clips, n_frames, 10))
        x = (noise + 3.0 * instrument[:, None, None]).astype(np.float32)
        known = {
            "labels": {"instrument": instrument},
            "groups": np.arange(n_clips),
            "attributes": np.empty((n_clips, 0)),
        }
        n_train = n_clips * 2 // 3
        self.train_dataset = ClipDataset("x", x.__getitem__, np.arange(n_train), **known)
        self.validation_dataset = ClipDataset("x", x.__getitem__, np.arange(n_train, n_clips), **known)
        self.test_dataset = self.validation_dataset

    def audio(self, index):
        """A tone of the clip's own."""
        time = np.arange(self.n_samples) / self.representation.sample_rate
        return np.sin(2 * np.pi * (200 + 10 * index) * time).astype(np.float32)

    def batch(self, dataset, positions, device):
        clips = default_collate([dataset[int(position)] for position in positions])
        return {name: values.to(device) for name, values in clips.items()}

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

    def run(
        subcommand: str,
        *options: str,
        config: str = "ts_dsae",
        folder: str = "run",
        logger: bool = False,
        mapped: bool = False,
    ) -> Path:
        root = tmp_path / folder
        small = [
            *["--trainer.default_root_dir", str(root), "--trainer.accelerator", "cpu"],
            *["--data.cache_dir", str(render_cache), "--data.size", "8", "--data.batch_size", "3"],
            *[
                "--data.representation.n_mels",
                "12",
                "--data.representation.hop_length",
                "1024",
                "--data.prepare_workers",
                "1",
            ],
            *["--model.z_dim", "4", "--trainer.max_epochs", "3", "--trainer.enable_progress_bar", "false"],
            *["--media.n_examples", "1"],
        ]
        if not mapped:
            small += ["--latent_map", "null"]
        if config != "dsae":
            small += ["--schedule.constrained_epochs", "1"]
        if not logger:
            small += ["--trainer.logger", "false"]
        main([subcommand, "-c", str(CONFIGS / f"{config}.yaml"), *small, *options])
        return root

    return run


def make_nsynth(root: Path, **options) -> NSynthDataModule:
    small = {"representation": SMALL_PICTURE, "n_samples": 8000, "attributes": ("brightness", "depth")}
    return NSynthDataModule(root, **{**small, **options})


def _write_split(folder: Path, first: int, n_notes: int) -> None:
    """Half a second of decaying harmonics each, from dull to bright: slopes rise through the split."""
    (folder / "audio").mkdir(parents=True)
    time = np.arange(8000) / 16_000
    entries = {}
    for number in range(first, first + n_notes):
        pitch, velocity = 36 + (number * 7) % 25, (25, 50, 75, 100, 127)[number % 5]
        f0, slope = 440.0 * 2 ** ((pitch - 69) / 12), 3.0 - 2.6 * (number - first) / (n_notes - 1)
        partials = np.arange(1, int(7500 / f0) + 1)[:, None]
        wave = (partials**-slope * np.sin(2 * np.pi * f0 * partials * time)).sum(axis=0) * np.exp(-4 * time)
        name = f"bass_electronic_{number:03d}-{pitch:03d}-{velocity:03d}"
        soundfile.write(folder / "audio" / f"{name}.wav", 0.5 * wave / np.abs(wave).max(), 16_000)
        entries[name] = {"instrument_family": 0, "instrument_source": 1, "pitch": pitch, "velocity": velocity}
    (folder / "examples.json").write_text(json.dumps(entries))


@pytest.fixture(scope="session")
def nsynth_root(tmp_path_factory):
    """Twelve training and 18 validation notes in NSynth's layout, with their table of timbral attributes."""
    root = tmp_path_factory.mktemp("nsynth")
    _write_split(root / "nsynth-train", 0, 12)
    _write_split(root / "nsynth-valid", 12, 18)
    make_nsynth(root, prepare_workers=1).prepare_data()
    return root


@pytest.fixture
def make_notes(nsynth_root):
    """Makes the data module of those notes; 18 validation notes make an uneven last batch of 3."""

    def make(**options) -> NSynthDataModule:
        return make_nsynth(nsynth_root, **{"batch_size": 5, **options})

    return make


def _small_ar_vae(root: Path, notes: Path) -> list[str]:
    """Options of a regularised beta-VAE that is small."""
    return [
        *["-c", str(CONFIGS / "ar_vae.yaml"), "--trainer.default_root_dir", str(root), "--trainer.accelerator", "cpu"],
        *["--trainer.enable_progress_bar", "false", "--data.root", str(notes), "--data.num_workers", "0"],
        *["--data.batch_size", "5", "--data.prepare_workers", "1", "--data.n_samples", "8000"],
        *["--data.representation.size", "128", "--data.representation.hop_length", "128"],
        *["--model.width", "0.0625", "--model.latent_dim", "8"],
    ]


_WITHOUT_MEDIA = ["--media", "null", "--latent_map", "null"]


@pytest.fixture
def ar_vae(tmp_path, nsynth_root):
    """Runs the command line on the regularised beta-VAE, made small; returns the run's folder."""

    def run(subcommand: str, *options: str, folder: str = "run", logger: bool = False, media: bool = False) -> Path:
        root = tmp_path / folder
        small = [*_small_ar_vae(root, nsynth_root), "--trainer.max_epochs", "2"]
        small += ["--media.n_examples", "1", "--media.n_positions", "3"] if media else _WITHOUT_MEDIA
        if logger:
            small += ["--trainer.logger", "lightning_app.tracking.CsvLog", "--trainer.logger.folder", str(root)]
            small += ["--trainer.log_every_n_steps", "1"]
        else:
            small += ["--trainer.logger", "false"]
        main([subcommand, *small, *options])
        return root

    return run


@pytest.fixture(scope="session")
def two_octave_run(tmp_path_factory, render_cache):
    """The folder of a run of section 6.5, made small: 40 clips of two octaves, one epoch. Copy it before a change."""
    root = tmp_path_factory.mktemp("two_octave_run") / "run"
    small = [
        *["--trainer.default_root_dir", str(root), "--trainer.accelerator", "cpu", "--trainer.max_epochs", "1"],
        *["--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--schedule", "null"],
        *["--data.cache_dir", str(render_cache), "--data.size", "40", "--data.octaves", "[4, 5]"],
        *["--data.validation_fraction", "0.4", "--data.batch_size", "7", "--data.prepare_workers", "1"],
        *["--data.representation.n_mels", "40", "--data.representation.hop_length", "1024"],
        *["--model.z_dim", "4", "--model.v_dim", "3", "--model.decoder", "sequence", "--media", "null"],
    ]
    main(["fit", "-c", str(CONFIGS / "ts_dsae.yaml"), *small])
    return root


@pytest.fixture(scope="session")
def small_vae_run(tmp_path_factory, nsynth_root):
    """The folder of a run of the regularised beta-VAE, made small: notes of half a second, one epoch."""
    root = tmp_path_factory.mktemp("small_vae_run") / "run"
    few = [*_WITHOUT_MEDIA, "--trainer.max_epochs", "1", "--trainer.logger", "false"]
    main(["fit", *_small_ar_vae(root, nsynth_root), *few])
    return root


@pytest.fixture
def sound_file(tmp_path):
    """Writes a steady sound to a file."""
    from tests.lightning_app.sounds import tone  # the scripts that load this file do not know `tests`

    def write(name: str, seconds: float = 0.6, rate: int = 16_000, frequency: float = 440.0, channels: int = 1) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.repeat(tone(seconds, rate, frequency)[:, None], channels, axis=1), rate)
        return path

    return write


@pytest.fixture(scope="session")
def chromium():
    """A browser for all tests; they are skipped where there is none."""
    from tests import browser as browsers  # the scripts that load this file do not know `tests`

    if (name := browsers.missing()) is not None:
        pytest.skip(f"no {name} on the path; on Debian and Ubuntu: apt-get install chromium chromium-driver")
    with browsers.chromium() as browser:
        browser.set_script_timeout(60)
        yield browser


@pytest.fixture
def results(tmp_path):
    """Makes the runs of a figure look trained and evaluated."""
    from tests.lightning_app.results import Results  # the scripts that load this file do not know `tests`

    folder = tmp_path / "results"
    folder.mkdir()
    return Results(folder)


@pytest.fixture
def small_sweep(tmp_path, render_cache):
    """A sweep file whose runs are real and tiny: two learning rates, and one seed."""
    config = {
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_progress_bar": False},
        "data": {
            "init_args": {
                "cache_dir": str(render_cache),
                "size": 8,
                "batch_size": 3,
                "prepare_workers": 1,
                "representation": {"init_args": {"n_mels": 12, "hop_length": 1024}},
            }
        },
        "media": None,
        "evaluation": {"init_args": {"rpa": None}},
    }
    (tmp_path / "tiny_runs.yaml").write_text(yaml.safe_dump(config))
    content = {
        "method": "grid",
        "metric": {"name": "test/swap_f1/global_swap", "goal": "maximize"},
        "parameters": {"model.learning_rate": {"values": [0.004, 0.02]}, "seed_everything": {"value": 5}},
        "command": [
            *["${env}", "disentangle", "fit", "--config=dsae", "--config=presets/small_steps"],
            *[f"--config={tmp_path / 'tiny_runs.yaml'}", "${args}"],
        ],
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
