"""Small folders of recordings: notes of a second, and what else the tests ask for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datamodules import AudioFolderDataModule
from datamodules.audio_folder.segments import Cut
from datamodules.audio_folder.source import AudioFolder
from modules.audio import LogMelSequence

RATE = 16_000


def _note(seconds: float = 1.0, frequency: float = 330.0, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    """Ten harmonics below 4.5 kHz with a little of the highest; the peak is the level."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 13) if k * frequency < rate / 2)
    return level * wave / np.abs(wave).max()


@pytest.fixture(scope="session")
def note() -> Callable[..., np.ndarray]:
    """Makes a harmonic tone with energy above 4 kHz where its frequency allows it."""
    return _note


@pytest.fixture(scope="session")
def measures_cache(tmp_path_factory) -> Path:
    """A cache that the tests of one process share."""
    return tmp_path_factory.mktemp("measures_cache")


@pytest.fixture(scope="session")
def music(tmp_path_factory, write) -> Path:
    """Four files of each of two classes: three notes of 1.2 s in several formats, each a semitone above the other."""
    root = tmp_path_factory.mktemp("audio_folder") / "music"
    for number, (name, rate) in enumerate(
        (f"{folder}/{file}", rate)
        for folder in ("horn", "viola")
        for file, rate in (("a.wav", 16_000), ("b.flac", 44_100), ("c.OGG", 48_000), ("d.mp3", 22_050))
    ):
        notes = [_note(0.4, 300 * 2 ** ((3 * number + n) / 24), 0.1 + 0.05 * number, rate) for n in range(3)]
        path = write(root / name.lower(), np.concatenate(notes), rate)
        path.rename(root / name)
    return root


@pytest.fixture
def folder(measures_cache) -> Callable[..., AudioFolder]:
    """Makes a source of a folder, in segments of 0.4 s."""

    def make(root: Path, **options) -> AudioFolder:
        cut = {"seconds": 0.4, "hop_seconds": 0.4, "rest": "drop", "silence_db": -60.0}
        cut |= {name: options.pop(name) for name in tuple(cut) if name in options}
        settings = {
            **{"sample_rate": RATE, "amplitude": "as_it_is", "table": None, "columns": {}, "folder_classes": True},
            **{"unreadable": "refuse", "split_by_file": True, "cache_dir": measures_cache, "n_workers": 1},
        }
        return AudioFolder(root=root, cut=Cut(**cut), **(settings | options))

    return make


@pytest.fixture
def prepared(measures_cache) -> Callable[..., AudioFolderDataModule]:
    """Makes a data module of a folder, in segments of 0.4 s, ready to be used."""

    def make(root: Path, **options) -> AudioFolderDataModule:
        small = LogMelSequence(n_fft=512, hop_length=256, n_mels=10)
        settings = {"seconds": 0.4, "representation": small, "prepare_workers": 1, "batch_size": 4}
        settings |= {"cache_dir": measures_cache, "validation_fraction": 0.25}
        data = AudioFolderDataModule(root, **(settings | options))
        data.prepare_data()
        data.setup("fit")
        return data

    return make
