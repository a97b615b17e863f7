"""A small URMP of harmonic tones, with noise where no pitch should be found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

RATE = 48_000


def _tone(seconds: float, frequency: float = 330.0, level: float = 0.5) -> np.ndarray:
    """Eight harmonics, of which the first is the loudest, with a little vibrato; its peak is the level."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * frequency * t + 0.3 * np.sin(2 * np.pi * 5 * t)
    wave = sum(np.sin(k * phase) / k for k in range(1, 9))
    return level * wave / np.abs(wave).max()


def _noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return level * np.random.default_rng(0).uniform(-1, 1, round(seconds * RATE))


@pytest.fixture(scope="session")
def tone() -> Callable[..., np.ndarray]:
    """Makes a harmonic tone at 48 kHz, which CREPE is sure of."""
    return _tone


@pytest.fixture(scope="session")
def noise() -> Callable[..., np.ndarray]:
    """Makes noise at 48 kHz, in which CREPE finds no pitch."""
    return _noise


@pytest.fixture(scope="session")
def write_stem(write) -> Callable[..., Path]:
    """Writes audio at 48 kHz to a file, with its folder, and returns the path."""

    def write_stem(path: Path, audio: np.ndarray, rate: int = RATE) -> Path:
        return write(path, audio, rate)

    return write_stem


@pytest.fixture(scope="session")
def urmp(tmp_path_factory, write_stem) -> Path:
    """Three pieces: violins of 9, 8 and 8 s, trumpets of 8 and 4 s; one violin has noise, from 4 to 8 s."""
    root = tmp_path_factory.mktemp("urmp") / "Dataset"
    first = np.concatenate([_tone(4, 440, 0.5), _noise(4), _tone(1, 440, 0.25)])
    write_stem(root / "01_One_vn_tbn" / "AuSep_1_vn_01_One.wav", first)
    write_stem(root / "01_One_vn_tbn" / "AuSep_2_tpt_01_One.wav", _tone(8, 550, 0.2))
    write_stem(root / "02_Two_vn_tpt" / "AuSep_1_vn_02_Two.flac", _tone(8, 660, 0.25))
    write_stem(root / "02_Two_vn_tpt" / "AuSep_2_tpt_02_Two.wav", _tone(4, 330, 0.1))
    write_stem(root / "02_Two_vn_tpt" / "AuMix_02_Two_vn_tpt.wav", _tone(1))
    write_stem(root / "03_Three_vn_fl" / "AuSep_1_vn_03_Three.wav", _tone(8, 350, 0.3))
    write_stem(root / "03_Three_vn_fl" / "AuSep_2_fl_03_Three.wav", _tone(4, 700, 0.3))
    (root / "03_Three_vn_fl" / "Notes_1_vn_03_Three.txt").write_text("0.0 350.0 8.0\n")
    return root


@pytest.fixture(scope="session")
def urmp_cache(tmp_path_factory) -> Path:
    """A cache that the tests of one process share: each stem is then heard once."""
    return tmp_path_factory.mktemp("urmp_cache")
