import math

import numpy as np
import pytest
import torch
from scipy import signal

from modules.audio.log_magnitude import InverseLogMagnitude, LogMagnitude, LogMagnitudeSpec
from modules.errors import ModelError

RATE = 16_000
SMALL = LogMagnitudeSpec(n_samples=4000, size=128, hop_length=64)


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, n_samples)


def tones(n_samples: int, frequencies: tuple[float, ...] = (440.0, 1000.0, 3111.0)) -> torch.Tensor:
    """Audio far under half the rate, which has next to nothing in the bin that is left out."""
    time = np.arange(n_samples) / RATE
    wave = sum(np.sin(2 * np.pi * f * time + 0.3 * f) for f in frequencies) / len(frequencies)
    return torch.from_numpy(0.9 * wave * np.hanning(n_samples)).float()[None]


def plain_stft(audio: np.ndarray, spec: LogMagnitudeSpec) -> np.ndarray:
    """One Hann window after the other, centred on each hop, in zeros; by the definition of the DFT."""
    n = 2 * spec.size
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    padded = np.concatenate([np.zeros(spec.size), audio, np.zeros(spec.size)])
    frames = np.stack([padded[start : start + n] * window for start in range(0, len(audio) + 1, spec.hop_length)])
    dft = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(spec.size)) / n)
    return frames @ dft / math.sqrt(n)


def snr(audio: torch.Tensor, heard: torch.Tensor) -> float:
    return float(10 * torch.log10((audio**2).sum() / ((audio - heard) ** 2).sum()))


SPECS = [
    SMALL,
    LogMagnitudeSpec(n_samples=4000, size=64, hop_length=64),
    LogMagnitudeSpec(n_samples=4001, size=128, hop_length=100),
    LogMagnitudeSpec(n_samples=69, size=64, hop_length=3),
]


@pytest.mark.parametrize("spec", SPECS)
def test_against_a_plain_dft_of_frames(spec):
    clips = [noise(spec.n_samples), np.linspace(0, 1, spec.n_samples) * noise(spec.n_samples, 1)]
    ours = LogMagnitude(spec)(torch.from_numpy(np.stack(clips)).float())
    assert ours.dtype == torch.float32
    assert ours.shape == (2, 1, spec.size, spec.size)
    for ours_, clip in zip(ours, clips, strict=True):
        plain = np.log(1 + np.abs(plain_stft(clip, spec)))
        assert plain.shape == (spec.n_frames, spec.size)
        np.testing.assert_allclose(ours_[0, : spec.n_frames], plain, rtol=0, atol=2e-6)
        assert not ours_[0, spec.n_frames :].any()


def test_against_scipys_stft_at_the_defaults():
    spec = LogMagnitudeSpec()
    audio = noise(64_000)
    _, _, spectrum = signal.stft(
        audio, nperseg=1024, noverlap=1024 - 128, window="hann", boundary="zeros", padded=False, return_onesided=True
    )
    # SciPy divides by the window's sum, which is 512.
    expected = np.log1p(np.abs(spectrum[:-1].T * 512 / 32))
    ours = LogMagnitude(spec)(torch.from_numpy(audio).float()[None])
    assert ours.shape == (1, 1, 512, 512)
    assert expected.shape == (501, 512)
    np.testing.assert_allclose(ours[0, 0, :501], expected, rtol=0, atol=5e-6)
    assert not ours[0, 0, 501:].any()


@pytest.mark.parametrize("spec", SPECS)
def test_the_phase_is_that_of_the_plain_dft(spec):
    audio = noise(spec.n_samples, 3)
    phase = LogMagnitude(spec).phase(torch.from_numpy(audio).float()[None])
    assert phase.shape == (1, spec.n_frames, spec.size)
    plain = plain_stft(audio, spec)
    # As a complex number: an angle of π may as well be -π. Next to no magnitude has no angle to speak of.
    np.testing.assert_allclose(np.abs(plain) * np.exp(1j * phase[0].numpy()), plain, rtol=0, atol=1e-5)


def test_a_sine_at_a_bin_has_its_closed_form_magnitude():
    # Bin 32 of 256 is 2000 Hz. A Hann window of n sums to n / 2, of which a sine of amplitude a takes a / 2.
    audio = 0.8 * np.sin(2 * np.pi * 2000 * np.arange(4000) / RATE)
    frames = LogMagnitude(SMALL)(torch.from_numpy(audio).float()[None])[0, 0, 4:-70]
    magnitude = 0.8 / 2 * (256 / 2) / math.sqrt(256)
    inside = frames[: SMALL.n_frames - 8]
    np.testing.assert_allclose(inside[:, 32], np.log1p(magnitude), rtol=0, atol=1e-4)
    np.testing.assert_allclose(inside[:, [31, 33]], np.log1p(magnitude / 2), rtol=0, atol=1e-4)
    assert inside[:, [29, 35]].abs().max() < 1e-3


def test_silence_is_zero():
    assert not LogMagnitude(SMALL)(torch.zeros(2, 4000)).any()


def test_longer_audio_is_cut():
    audio = torch.from_numpy(noise(5000)).float()[None]
    spectrogram = LogMagnitude(SMALL)
    assert torch.equal(spectrogram(audio), spectrogram(audio[:, :4000]))
    assert torch.equal(spectrogram.phase(audio), spectrogram.phase(audio[:, :4000]))


def test_shorter_audio_is_filled_with_silence():
    audio = torch.from_numpy(noise(2500)).float()[None]
    filled = torch.cat([audio, torch.zeros(1, 1500)], dim=1)
    spectrogram = LogMagnitude(SMALL)
    assert torch.equal(spectrogram(audio), spectrogram(filled))
    # 2500 samples are 39.06 hops, and half a window is two: the last that a frame hears of them is in frame 41.
    assert spectrogram(audio)[0, 0, 41].any()
    assert not spectrogram(audio)[0, 0, 42:].any()


def test_clips_of_a_batch_do_not_mix():
    audio = torch.from_numpy(noise(12_000)).float().reshape(3, 4000)
    together = LogMagnitude(SMALL)(audio)
    for clip in range(3):
        torch.testing.assert_close(together[clip], LogMagnitude(SMALL)(audio[clip : clip + 1])[0], rtol=0, atol=1e-6)


def test_nothing_of_it_is_stored_with_a_model():
    assert not LogMagnitude(SMALL).state_dict()
    assert not InverseLogMagnitude(SMALL).window.requires_grad
    assert "window" not in InverseLogMagnitude(SMALL).state_dict()


@pytest.mark.parametrize("spec", [LogMagnitudeSpec(), SMALL, LogMagnitudeSpec(n_samples=4050, size=64, hop_length=64)])
def test_with_its_own_phase_audio_comes_back(spec):
    audio = tones(spec.n_samples)
    spectrogram = LogMagnitude(spec)
    back = InverseLogMagnitude(spec)(spectrogram(audio), spectrogram.phase(audio))
    assert back.shape == (1, spec.n_samples)
    assert snr(audio, back) > 80


def test_with_another_phase_other_audio_comes_back():
    audio, spectrogram = tones(4000), LogMagnitude(SMALL)
    back = InverseLogMagnitude(SMALL)(spectrogram(audio), spectrogram.phase(tones(4000, (700.0,))))
    assert snr(audio, back) < 10


def test_the_frames_after_the_end_have_no_part_in_the_audio():
    audio, spectrogram = tones(4000), LogMagnitude(SMALL)
    log_magnitude, phase = spectrogram(audio), spectrogram.phase(audio)
    spoilt = log_magnitude.clone()
    spoilt[:, :, SMALL.n_frames :] = 3.0
    inverse = InverseLogMagnitude(SMALL)
    assert torch.equal(inverse(spoilt, phase), inverse(log_magnitude, phase))


@pytest.mark.parametrize("frequency", [261.63, 440.0, 1500.0])
def test_griffin_lim_gives_the_frequency_and_the_level(frequency, strongest_frequency):
    spec = LogMagnitudeSpec(n_samples=16_000, size=256, hop_length=128)
    audio = tones(16_000, (frequency,))
    torch.manual_seed(0)
    before = LogMagnitude(spec)(audio)
    back = InverseLogMagnitude(spec)(before)
    assert back.shape == (1, 16_000)
    assert abs(1200 * math.log2(strongest_frequency(back[0].numpy(), RATE) / frequency)) < 10
    assert back.square().mean().sqrt() == pytest.approx(float(audio.square().mean().sqrt()), rel=0.05)
    after = LogMagnitude(spec)(back)
    assert (after - before).square().sum() < 0.02 * before.square().sum()


def test_griffin_lim_repeats_with_the_seed_and_keeps_batches_apart():
    log_magnitude = LogMagnitude(SMALL)(torch.cat([tones(4000), torch.zeros(1, 4000)]))
    inverse, results = InverseLogMagnitude(SMALL, n_iterations=4), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(inverse(log_magnitude))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert results[0][0].abs().max() > 0.1
    assert results[0][1].abs().max() < 1e-6


@pytest.mark.parametrize("own_phase", [True, False])
def test_what_a_decoder_puts_below_zero_is_taken_for_silence(own_phase):
    audio, spectrogram = tones(4000), LogMagnitude(SMALL)
    log_magnitude = spectrogram(audio)
    quiet = log_magnitude < 0.05
    assert quiet[:, :, : SMALL.n_frames].any()
    phase = spectrogram.phase(audio) if own_phase else None
    heard = []
    for below in (-5.0, 0.0):
        torch.manual_seed(0)
        heard.append(InverseLogMagnitude(SMALL, n_iterations=4)(log_magnitude.masked_fill(quiet, below), phase))
    assert torch.equal(*heard)
    assert heard[0].isfinite().all()
    assert heard[0].abs().max() > 0.1


@pytest.mark.filterwarnings("ignore:The length of signal")
@pytest.mark.parametrize(
    "settings",
    [
        {"n_samples": 2048},
        {"n_samples": 513},
        {"n_samples": 4000, "size": 64, "hop_length": 64},
        {"n_samples": 400},
        {"n_samples": 6 * 1024 - 1, "size": 1024, "hop_length": 1024},
        {"n_samples": 6 * 2048 - 1, "size": 2048, "hop_length": 2048},
    ],
    ids=str,
)
@pytest.mark.parametrize("own_phase", [True, False])
def test_settings_are_refused_or_work_both_ways(settings, own_phase):
    try:
        spec = LogMagnitudeSpec(**settings)
    except ModelError:
        return
    audio = torch.from_numpy(noise(spec.n_samples)).float()[None]
    spectrogram = LogMagnitude(spec)
    torch.manual_seed(0)
    phase = spectrogram.phase(audio) if own_phase else None
    back = InverseLogMagnitude(spec, n_iterations=2)(spectrogram(audio), phase)
    assert back.shape == audio.shape
    assert back.isfinite().all()
    assert back.abs().max() < 10  # no part of it is blown up


@pytest.mark.parametrize("name", ["sample_rate", "n_samples", "size", "hop_length"])
@pytest.mark.parametrize("value", [0, -1])
def test_settings_below_one_are_refused(name, value):
    with pytest.raises(ModelError, match=rf"^{name} is {value}; it must be 1 or more"):
        LogMagnitudeSpec(**{name: value})


@pytest.mark.parametrize("size", [1, 2, 3, 5, 500, 511, 768])
def test_sizes_that_are_no_power_of_two_are_refused(size):
    with pytest.raises(ModelError, match=rf"size is {size}; it must be a power of two, 4 or more"):
        LogMagnitudeSpec(n_samples=1, size=size, hop_length=1)


@pytest.mark.parametrize("size", [4, 8, 1024])
def test_sizes_that_are_a_power_of_two_are_taken(size):
    spec = LogMagnitudeSpec(n_samples=2 * size, size=size, hop_length=size)
    assert (spec.n_fft, spec.n_frames) == (2 * size, 3)


@pytest.mark.parametrize("hop_length", [129, 256, 1000])
def test_windows_that_overlap_too_little_are_refused(hop_length):
    with pytest.raises(ModelError, match=rf"hop_length is {hop_length}, more than half of the window of 256.* Shorten"):
        LogMagnitudeSpec(n_samples=4000, size=128, hop_length=hop_length)


def test_a_clip_of_more_frames_than_the_square_has_room_for_is_refused():
    assert LogMagnitudeSpec(n_samples=127 * 64 + 63, size=128, hop_length=64).n_frames == 128
    with pytest.raises(
        ModelError,
        match=r"8192 samples give 129 frames, more than size 128 .*lengthen hop_length",
    ):
        LogMagnitudeSpec(n_samples=128 * 64, size=128, hop_length=64)
