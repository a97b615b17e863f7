import math

import numpy as np
import pytest
import torch
from scipy.signal import get_window

from datamodules.dmelodies.rendered import RenderedMelodies
from modules.audio.log_mel import InverseLogMel, LogMel, LogMelSpec
from modules.errors import ModelError

RATE = 16_000
EPS = 2.0**-52


def sine(frequency: float, n_samples: int = 2 * RATE) -> torch.Tensor:
    return torch.from_numpy(0.8 * np.sin(2 * np.pi * frequency * np.arange(n_samples) / RATE)).float()


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, n_samples)


def mel(frequency):
    """The HTK scale."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def hertz(mel_value):
    return 700 * (10 ** (np.asarray(mel_value) / 2595) - 1)


def plain_power(audio: np.ndarray, spec: LogMelSpec) -> np.ndarray:
    """Power of each frame and bin: reflected at the ends, one Hann window after the other."""
    padded = np.pad(audio, spec.n_fft // 2, mode="reflect")
    window = get_window("hann", spec.n_fft)
    starts = range(0, len(padded) - spec.n_fft + 1, spec.hop_length)
    return np.stack([np.abs(np.fft.rfft(padded[s : s + spec.n_fft] * window)) ** 2 for s in starts])


def plain_filters(spec: LogMelSpec) -> np.ndarray:
    """Triangles of height one with corners equally spaced in mel from 0 Hz to half the rate, shape (bins, bands)."""
    corners = hertz(np.linspace(0, mel(spec.sample_rate / 2), spec.n_mels + 2))
    bins = np.fft.rfftfreq(spec.n_fft, 1 / spec.sample_rate)
    return np.stack([np.interp(bins, corners[i : i + 3], [0, 1, 0]) for i in range(spec.n_mels)], axis=1)


def plain_log_mel(audio: np.ndarray, spec: LogMelSpec) -> np.ndarray:
    return np.log(plain_power(audio, spec) @ plain_filters(spec) + EPS)


@pytest.mark.parametrize(
    "spec",
    [LogMelSpec(), LogMelSpec(n_fft=1024, hop_length=300, n_mels=40), LogMelSpec(sample_rate=22_050, n_mels=128)],
)
def test_against_a_plain_computation(spec):
    audio = noise(20_000) * np.linspace(0, 1, 20_000)
    ours = LogMel(spec)(torch.from_numpy(audio).float())
    assert ours.dtype == torch.float32
    # In float32, what differs is rounding where a triangle is narrow.
    np.testing.assert_allclose(ours, plain_log_mel(audio, spec), rtol=0, atol=2e-3)
    np.testing.assert_allclose(ours.exp(), np.exp(plain_log_mel(audio, spec)), rtol=1e-3)


def test_a_sine_at_the_middle_of_a_band_has_its_closed_form_power():
    spec = LogMelSpec()
    # Bin 128 is 1000 Hz. A Hann window of length n sums to n / 2; a bin beside the peak has half the amplitude.
    bins = (0.8 * spec.n_fft / 4) ** 2 * np.array([0.25, 1, 0.25])
    power = bins @ plain_filters(spec)[127:130]
    frames = LogMel(spec)(sine(1000.0))[8:-8]  # away from the reflected ends
    assert (power > 1).sum() == 2
    for band in np.flatnonzero(power > 1):
        np.testing.assert_allclose(frames[:, band], np.log(power[band]), rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_samples", [1025, 16_000, 63_999, 64_000, 64_001])
def test_shape(n_samples):
    spec = LogMelSpec()
    audio = torch.from_numpy(noise(3 * n_samples)).float().reshape(3, 1, n_samples)
    log_mel = LogMel(spec)(audio)
    assert log_mel.shape == (3, 1, spec.n_frames(n_samples), 80)
    for clip in range(3):
        torch.testing.assert_close(log_mel[clip, 0], LogMel(spec)(audio[clip, 0]), rtol=0, atol=1e-5)


def test_four_seconds_have_251_frames():
    assert LogMelSpec().n_frames(64_000) == 251


def test_silence_is_the_logarithm_of_the_offset():
    silence = LogMel(LogMelSpec())(torch.zeros(4000))
    assert torch.equal(silence, torch.full_like(silence, math.log(EPS)))


def test_amplitude_times_ten_adds_the_logarithm_of_a_hundred():
    audio = torch.from_numpy(noise(8000)).float()
    log_mel = LogMel(LogMelSpec())
    torch.testing.assert_close(
        log_mel(audio) - log_mel(audio / 10), torch.full((32, 80), math.log(100.0)), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("name", ["sample_rate", "n_fft", "hop_length", "n_mels"])
@pytest.mark.parametrize("value", [0, -1])
def test_settings_below_one_are_refused(name, value):
    with pytest.raises(ModelError, match=rf"{name} is {value}; it must be 1 or more"):
        LogMelSpec(**{name: value})


def test_more_bands_than_frequencies_are_refused():
    with pytest.raises(ModelError, match=r"n_mels is 80, more than the 65 frequencies that n_fft 128 gives"):
        LogMelSpec(n_fft=128, hop_length=32)


@pytest.mark.parametrize("hop_length", [1025, 2048, 3000])
def test_windows_that_overlap_too_little_are_refused(hop_length):
    with pytest.raises(ModelError, match=rf"hop_length is {hop_length}, more than half of n_fft 2048"):
        LogMelSpec(hop_length=hop_length)


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize(
    "settings",
    [
        *[{"n_fft": 2047}, {"n_fft": 512}, {"n_fft": 1024, "n_mels": 128}, {"n_fft": 256, "hop_length": 64}],
        *[{"n_mels": 300}, {"n_mels": 1025}, {"hop_length": 1024}, {"n_fft": 2, "hop_length": 1, "n_mels": 1}],
    ],
)
def test_settings_are_refused_or_work_both_ways(settings):
    try:
        spec = LogMelSpec(**settings)
    except ModelError:
        return
    log_mel = LogMel(spec)(sine(440.0, 16_384))
    assert log_mel.shape == (spec.n_frames(16_384), spec.n_mels)
    assert InverseLogMel(spec, n_iterations=2)(log_mel).isfinite().all()


@pytest.mark.parametrize("clip", [0, 1], ids=["violin", "trumpet"])
def test_a_melodys_log_mel_survives_the_way_there_and_back(clip):
    source = RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 2, 0, RATE)
    audio = torch.from_numpy(source.audio(clip))
    spec = LogMelSpec()
    before = LogMel(spec)(audio)
    torch.manual_seed(0)
    back = InverseLogMel(spec)(before)
    assert back.shape == (250 * 256,)
    after = LogMel(spec)(back)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("frequency", [261.63, 440.0, 1000.0])
def test_a_sine_comes_back_within_half_a_band(frequency, strongest_frequency):
    spec = LogMelSpec()
    torch.manual_seed(0)
    back = InverseLogMel(spec)(LogMel(spec)(sine(frequency)))
    heard = strongest_frequency(back.numpy(), RATE)
    # Finer than the bands a log-mel cannot tell.
    assert abs(mel(heard) - mel(frequency)) < 0.5 * mel(RATE / 2) / (spec.n_mels + 1)


def test_the_way_back_repeats_with_the_seed_and_keeps_batches_apart():
    spec = LogMelSpec()
    log_mel = LogMel(spec)(torch.stack([sine(440.0, 8192), torch.zeros(8192)]))
    inverse = InverseLogMel(spec, n_iterations=4)
    results = []
    for _ in range(2):
        torch.manual_seed(1)
        results.append(inverse(log_mel))
    assert torch.equal(*results)
    assert results[0].shape == (2, 8192)
    assert results[0][0].abs().max() > 0.1
    assert results[0][1].abs().max() < 1e-6


def test_an_overshooting_log_mel_still_gives_finite_audio():
    audio = InverseLogMel(LogMelSpec(), n_iterations=2)(torch.full((32, 80), 1e4))
    assert audio.isfinite().all()


def test_no_audio_is_louder_than_what_the_way_back_lets_through():
    spec = LogMelSpec()
    square = torch.from_numpy(np.sign(np.sin(2 * np.pi * 31.0 * np.arange(RATE) / RATE))).float()
    for audio in (torch.ones(RATE), square, sine(1000.0) / 0.8, torch.from_numpy(noise(RATE)).float().sign()):
        assert LogMel(spec)(audio).max() <= 2 * math.log(spec.n_fft)
