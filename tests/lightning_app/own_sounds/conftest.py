"""Trained runs, and sounds."""

import pytest

from lightning_app import load_run
from lightning_app.own_sounds.sound import Sound
from tests.lightning_app.sounds import tone


@pytest.fixture(scope="session")
def swap_run(two_octave_run):
    """A trained DSAE, which hears any length, on melodies of 4 s at 16 kHz."""
    return load_run(two_octave_run)


@pytest.fixture(scope="session")
def vae_run(small_vae_run):
    """A beta-VAE with two regularised dimensions, on notes of half a second."""
    return load_run(small_vae_run)


@pytest.fixture
def sound():
    """Makes a steady sound."""

    def make(seconds: float = 1.0, rate: int = 16_000, frequency: float = 440.0, name: str = "tone.wav") -> Sound:
        return Sound(tone(seconds, rate, frequency), rate, name)

    return make
