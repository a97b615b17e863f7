import numpy as np
import pytest

from datamodules.analysis.timbral.spectral_flux import HOP, _mel_bank, onset_frames, onset_strength
from modules.audio._torchaudio import functional

RATE = 44_100


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_the_mel_bands_are_those_of_torchaudio(rate):
    expected = functional.melscale_fbanks(1025, 0.0, rate / 2, 128, rate, "slaney", "slaney").T.numpy()
    np.testing.assert_allclose(_mel_bank(rate), expected, atol=1e-5 * expected.max())


def test_silence_and_a_steady_sine_have_no_onset_strength_within():
    assert (onset_strength(np.zeros(RATE), RATE) == 0).all()
    strength = onset_strength(np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE), RATE)
    assert strength.shape == (RATE // HOP + 1,)
    assert strength[8:-8].max() < 0.5


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_onsets_are_found_just_before_bursts_of_noise(rate):
    generator = np.random.default_rng(0)
    audio = 1e-4 * generator.normal(size=2 * rate)
    starts = [rate // 2, rate, 3 * rate // 2]
    for start in starts:
        audio[start : start + rate // 4] += 0.1 * generator.normal(size=rate // 4)
    found = HOP * onset_frames(onset_strength(audio, rate), rate)
    assert len(found) == 3
    # A frame of 2048 samples reaches the burst before its middle does, and the valley lies a frame or two earlier.
    assert all(-4096 <= onset - start <= 1024 for onset, start in zip(found, starts, strict=True))


def test_a_flat_strength_has_no_onsets():
    assert onset_frames(np.full(100, 2.0), RATE).tolist() == []


@pytest.mark.parametrize("n_frames", [1, 2, 3, 10])
def test_few_frames_are_no_trouble(n_frames):
    strength = np.zeros(n_frames)
    strength[-1] = 1.0
    assert onset_frames(strength, RATE).tolist() in ([], [0], [n_frames - 2])
