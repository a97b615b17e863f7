"""Onsets by spectral flux, as librosa 0.9 finds them by default: rises of a log-mel spectrogram, and their peaks.

Written anew since the models' values hang on that version's picking of peaks, which later ones changed.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

HOP = 512
"""Samples from frame to frame."""

_N_FFT = 2048
_HANN = signal.get_window("hann", _N_FFT)
_N_MELS = 128
_LEAST_POWER = 1e-10
_RANGE_DB = 80.0

# How peaks are picked, from librosa: seconds over which a peak must be the largest before it, seconds to each side
# whose mean it must exceed by so much of the whole range, and seconds it must lie after the last one.
_LARGEST_SECONDS = 0.03
_MEAN_SECONDS = 0.1
_OVER_MEAN = 0.07
_WAIT_SECONDS = 0.03


def onset_strength(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Returns how much the spectrum rises at each frame: the mean over the mel bands of what each gains, in dB.

    Args:
        samples: Shape (n_samples,), with a peak of about 1: powers under 1e-10 count as that.
        rate: Sample rate in Hz.

    Returns:
        Shape (n_samples // `HOP` + 1,), 0 or more. Each rise stands where a frame has it in its middle.
    """
    padded = np.pad(samples, _N_FFT // 2)
    cut = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::HOP]
    transform = fft.rfft(cut * _HANN)
    power = transform.real**2
    power += transform.imag**2
    level = 10 * np.log10(np.maximum(power @ _mel_bank(rate).T, _LEAST_POWER))
    level = np.maximum(level, level.max() - _RANGE_DB)
    flux = np.maximum(np.diff(level, axis=0), 0).mean(axis=1)
    n_before = 1 + _N_FFT // (2 * HOP)
    return np.pad(flux, (n_before, 0))[: len(level)]


def onset_frames(strength: NDArray[np.float64], rate: int) -> NDArray[np.int64]:
    """Returns the frames in which onsets start: the peaks of `onset_strength`, each moved back to the valley before it.

    Args:
        strength: Shape (n_frames,).
        rate: Sample rate of the audio, in Hz.

    Returns:
        Shape (n_onsets,), ascending; two peaks can go back to the same valley.
    """
    height = strength - strength.min()
    if not height.any():
        return np.empty(0, np.int64)
    height = height / height.max()
    valleys = 1 + np.flatnonzero((height[1:-1] <= height[:-2]) & (height[1:-1] < height[2:]))
    starts = np.concatenate([[0], valleys])
    return starts[np.searchsorted(starts, _peaks(height, rate), side="right") - 1]


def _peaks(height: NDArray[np.float64], rate: int) -> NDArray[np.int64]:
    n_largest, n_mean, wait = (
        int(seconds * rate // HOP) for seconds in (_LARGEST_SECONDS, _MEAN_SECONDS, _WAIT_SECONDS)
    )
    largest = ndimage.maximum_filter1d(
        height, n_largest + 1, mode="constant", cval=0.0, origin=math.ceil(0.5 * (n_largest - 1))
    )
    # Frames beyond the ends do not count: the mean is over those that are there.
    counts = np.convolve(np.ones_like(height), np.ones(2 * n_mean + 1), mode="full")[n_mean:-n_mean]
    mean = np.convolve(height, np.ones(2 * n_mean + 1), mode="full")[n_mean:-n_mean] / counts
    peaks: list[int] = []
    for frame in np.flatnonzero((height == largest) & (height >= mean + _OVER_MEAN)):
        if not peaks or frame > peaks[-1] + wait:
            peaks.append(int(frame))
    return np.array(peaks, np.int64)


@functools.lru_cache(maxsize=8)
def _mel_bank(rate: int) -> NDArray[np.float64]:
    """Triangular bands of equal area on Slaney's mel scale up to the Nyquist frequency, shape (n_mels, n_bins)."""
    edges = _hertz(np.linspace(0, _mel(rate / 2), _N_MELS + 2))
    frequencies = np.fft.rfftfreq(_N_FFT, 1 / rate)
    widths = np.diff(edges)[:, None]
    rising = (frequencies - edges[:-2, None]) / widths[:-1]
    falling = (edges[2:, None] - frequencies) / widths[1:]
    bank = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return bank.astype(np.float32).astype(np.float64)  # librosa's precision


# Slaney's mel scale: linear up to 1 kHz, logarithmic above, with 27 mels to a factor of 6.4.
_LINEAR_UP_TO = 1000.0
_HERTZ_PER_MEL = 200 / 3
_MELS_PER_E = 27 / math.log(6.4)


def _mel(frequency: float) -> float:
    if frequency < _LINEAR_UP_TO:
        return frequency / _HERTZ_PER_MEL
    return _LINEAR_UP_TO / _HERTZ_PER_MEL + math.log(frequency / _LINEAR_UP_TO) * _MELS_PER_E


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = mel - _LINEAR_UP_TO / _HERTZ_PER_MEL
    return np.where(above < 0, mel * _HERTZ_PER_MEL, _LINEAR_UP_TO * np.exp(np.maximum(above, 0) / _MELS_PER_E))
