import numpy as np
import pytest

from datamodules.analysis.timbral.envelopes import RMS_STEP, peak_envelope, rms_envelope

RATE = 44_100


def test_a_click_is_held_and_then_falls_in_a_straight_line():
    envelope = peak_envelope(2 * np.eye(1, RATE, 1000)[0], RATE)
    assert (envelope[:1000] == 0).all()
    assert (envelope[1000 : 1000 + 442] == 2).all()
    fall = envelope[1441 : 1441 + RATE // 5]
    np.testing.assert_allclose(fall, np.linspace(2, 0, RATE // 5, endpoint=False), atol=1e-9)
    assert envelope[-1] == 0


def test_the_peak_envelope_lies_on_or_over_the_magnitudes():
    noise = np.random.default_rng(0).normal(size=RATE)
    envelope = peak_envelope(noise, RATE)
    assert (envelope >= np.abs(noise)).all()
    assert envelope.max() == np.abs(noise).max()


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 512, 1000, 1024])
def test_the_rms_is_that_of_each_step(n_samples):
    noise = np.random.default_rng(0).normal(size=n_samples)
    steps = [noise[start : start + RMS_STEP] for start in range(0, n_samples, RMS_STEP)]
    rms = np.array([np.sqrt(np.mean(step**2)) for step in steps])
    np.testing.assert_allclose(rms_envelope(noise), rms / rms.max())
