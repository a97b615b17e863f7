import math

import numpy as np
import pytest
from scipy import signal

from datamodules.analysis.timbral import brightness
from datamodules.analysis.timbral.brightness import _WEIGHT_OF_CENTROID

RATE = 44_100


def noise_below(cut_off: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=RATE)
    return signal.sosfilt(signal.butter(8, cut_off, fs=RATE, output="sos"), noise)


def test_brightness_rises_with_the_cut_off_of_noise():
    values = [brightness(noise_below(cut_off), RATE) for cut_off in (200, 500, 1000, 2000, 4000, 8000, 16_000)]
    assert (np.diff(values) > 2).all()


def test_a_high_sines_brightness_is_that_of_its_frequency():
    # All power lies over 2 kHz, and the centroid is the frequency: only the latter's logarithm changes.
    low, high = (brightness(np.sin(2 * np.pi * f * np.arange(RATE) / RATE), RATE) for f in (8000, 16_000))
    assert high - low == pytest.approx(_WEIGHT_OF_CENTROID * math.log10(2), abs=0.05)


def test_a_quiet_end_does_not_count():
    tone = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE) * np.exp(-8 * np.arange(RATE) / RATE)
    assert brightness(np.pad(tone, (0, RATE)), RATE) == pytest.approx(brightness(tone, RATE), abs=0.5)
