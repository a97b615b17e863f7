import numpy as np
import pytest

from datamodules.analysis.timbral.filters import high_pass, low_pass

RATE = 44_100


def gain(pass_filter, cut_off: float, frequency: float) -> float:
    """In dB, of a sine, by its response to an impulse."""
    response = np.fft.rfft(pass_filter(np.eye(1, 16 * RATE)[0], cut_off, RATE))
    return 20 * np.log10(np.abs(response[round(16 * frequency)]))


@pytest.mark.parametrize("cut_off", [100.0, 500.0, 2000.0])
def test_butterworth_three_times_is_9_db_down_at_the_cut_off(cut_off):
    for pass_filter in (high_pass, low_pass):
        assert gain(pass_filter, cut_off, cut_off) == pytest.approx(-9.03, abs=0.01)


def test_each_octave_beyond_it_takes_36_db():
    assert gain(high_pass, 800.0, 100.0) - gain(high_pass, 800.0, 50.0) == pytest.approx(36, abs=0.3)
    assert gain(low_pass, 100.0, 800.0) - gain(low_pass, 100.0, 1600.0) == pytest.approx(36, abs=0.6)


def test_the_pass_band_passes():
    assert gain(high_pass, 100.0, 1000.0) == pytest.approx(0, abs=0.01)
    assert gain(low_pass, 1000.0, 100.0) == pytest.approx(0, abs=0.01)
