import math

import numpy as np
import pytest

from datamodules.analysis.timbral import timbral_attributes
from datamodules.analysis.timbral.preparation import prepare, resample
from datamodules.errors import DataError


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 32_000, 44_099])
def test_a_resampled_sine_is_the_sine(rate):
    frequency, n_samples = 0.2 * rate, 4000
    resampled = resample(np.sin(2 * np.pi * frequency * np.arange(n_samples) / rate), rate, 44_100)
    assert len(resampled) == math.ceil(n_samples * (44_100 / rate))
    # 50 samples of the input reach into each end.
    inner = slice(60 * 44_100 // rate, -60 * 44_100 // rate)
    expected = np.sin(2 * np.pi * frequency * np.arange(len(resampled)) / 44_100)
    np.testing.assert_allclose(resampled[inner], expected[inner], atol=1e-5)


def test_nothing_appears_above_the_old_nyquist_frequency():
    noise = np.random.default_rng(0).normal(size=16_000)
    spectrum = np.abs(np.fft.rfft(resample(noise, 16_000, 44_100) * np.hanning(44_100))) ** 2
    assert spectrum[8100:].max() < 1e-9 * spectrum[:7000].mean()


def test_a_sample_that_the_input_does_not_reach_is_zero():
    resampled = resample(np.ones(3), 16_000, 44_100)
    assert len(resampled) == 9
    assert resampled[-1] == 0
    assert (resampled[:-1] > 0.4).all()


def test_channels_are_summed_and_of_many_the_first_three():
    channels = np.random.default_rng(0).normal(size=(5000, 5))
    sums = [(channels[:, :n], channels[:, : min(n, 3)].sum(axis=1)) for n in range(1, 6)]
    for audio, expected in sums:
        np.testing.assert_allclose(prepare(audio, 16_000).samples, prepare(expected, 16_000).samples, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 16_000), (1, 16_000), (2, 3), (1, 2)])
def test_channels_that_come_first_are_refused(shape):
    audio = np.random.default_rng(0).normal(size=shape)
    for measure in (prepare, timbral_attributes):
        with pytest.raises(DataError) as caught:
            measure(audio, 16_000)
        assert f"has the shape {shape}, more channels than samples" in str(caught.value)
        assert "expected (n_samples, n_channels)" in str(caught.value)
    assert prepare(audio.T, 16_000).rate == 44_100


def test_prepared_audio_has_a_peak_of_one_and_no_rumble():
    time = np.arange(44_100) / 44_100
    for frequency, least in ((200.0, 0.999), (2.0, 0.0)):
        prepared = prepare(3 * np.sin(2 * np.pi * frequency * time) + np.sin(2 * np.pi * 1000 * time), 44_100)
        assert np.abs(prepared.samples).max() == 1
        spectrum = np.abs(np.fft.rfft(prepared.samples[: len(time)]))
        ratio = spectrum[round(frequency)] / spectrum[1000]
        assert least * 3 <= ratio < 3.01 if least else ratio < 0.01


def test_a_high_rate_is_kept():
    prepared = prepare(np.random.default_rng(0).normal(size=9600), 96_000)
    assert prepared.rate == 96_000
    assert prepared.samples.shape == (9600,)
