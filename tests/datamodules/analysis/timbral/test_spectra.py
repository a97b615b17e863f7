import numpy as np
import pytest
from scipy import signal

from datamodules.analysis.timbral.spectra import frames, powers, spectra

RATE = 44_100


@pytest.mark.parametrize("n_samples", [1, 2, 3, 100, 2047, 2048, 2049, 3000, 10_000])
def test_spectra_are_those_of_scipy(n_samples):
    noise = 0.3 + np.random.default_rng(0).normal(size=n_samples)
    length = min(n_samples, 2048)
    expected = signal.spectrogram(
        noise, RATE, "hamming", length, 1536 if length == 2048 else length - 1, 2048, "constant", True, "spectrum"
    )[2]
    np.testing.assert_allclose(spectra(frames(noise, 2048), 2048), expected.T, atol=1e-12)


@pytest.mark.parametrize("n_samples", [100, 10_000])
def test_powers_are_the_sums_of_the_spectra(n_samples):
    framed = frames(np.random.default_rng(0).normal(size=n_samples), 2048)
    np.testing.assert_allclose(powers(framed, 2048), spectra(framed, 2048).sum(axis=1))


def test_a_sine_on_a_bin_has_its_power_there():
    sine = 0.5 * np.sin(2 * np.pi * 100 * np.arange(8192) / 2048)
    spectrum = spectra(frames(sine, 2048), 2048).mean(axis=0)
    assert spectrum.argmax() == 100
    assert spectrum[100] == pytest.approx(0.5**2 / 2)
