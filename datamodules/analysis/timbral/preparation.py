"""What both models do to audio before they measure it: mono, 44.1 kHz or more, no rumble, a peak of one.

Pearce et al. also bring it to a fixed loudness. That is a gain, which the division by the peak undoes.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from datamodules.analysis.timbral.filters import high_pass
from datamodules.errors import DataError

LOWEST_RATE = 44_100
"""Audio of a lower sample rate is brought to this one, in Hz."""

_LEAST_RATE = 1000
_RUMBLE = 20.0
_CHANNELS_HEARD = 3

# The filter "kaiser_best" of resampy 0.4, which the models used: a sinc cut off at this fraction of the audio's Nyquist
# frequency, with this many zero crossings to each side, under a Kaiser window.
_CUT_OFF = 0.9173473712608761
_ZERO_CROSSINGS = 50
_KAISER_BETA = 12.984585247040012


@dataclass(frozen=True)
class PreparedAudio:
    """Mono audio ready to be measured.

    Attributes:
        samples: Shape (n_samples,), without what lies under 20 Hz; the largest magnitude is 1.
        rate: Sample rate in Hz, `LOWEST_RATE` or more.
    """

    samples: NDArray[np.float64]
    rate: int


def prepare(audio: NDArray, sample_rate: int) -> PreparedAudio:
    """Makes audio ready to be measured.

    Args:
        audio: Samples of shape (n_samples,) or (n_samples, n_channels), of any scale. Channels are summed; of more
            than three, only the first three.
        sample_rate: Sample rate in Hz, 1000 or more.

    Raises:
        DataError: The audio is empty, silent or not finite, or the arguments are no audio.

    >>> prepared = prepare(np.sin(np.arange(16_000.0)), 16_000)
    >>> prepared.samples.shape, prepared.rate
    ((44100,), 44100)
    """
    samples = _mono(audio)
    if not (sample_rate >= _LEAST_RATE and sample_rate % 1 == 0):
        raise DataError(f"the sample rate is {sample_rate}; it must be a whole number, {_LEAST_RATE} or more.")
    rate = int(sample_rate)
    if rate < LOWEST_RATE:
        samples, rate = resample(samples, rate, LOWEST_RATE), LOWEST_RATE
    samples = high_pass(samples, _RUMBLE, rate)
    return PreparedAudio(samples / np.abs(samples).max(), rate)


def no_power(audio: PreparedAudio, attribute: str) -> DataError:
    """Returns the error of audio without a frame that holds power, such as a click on the last sample."""
    return DataError(
        f"no whole frame of the audio ({len(audio.samples)} sample(s) at {audio.rate} Hz) holds power: it is too "
        f"short, or silent up to its end, so it has no {attribute}."
    )


def resample(samples: NDArray[np.float64], rate: int, new_rate: int) -> NDArray[np.float64]:
    """Raises the sample rate by band-limited interpolation, as librosa 0.9 did by default.

    Args:
        samples: Shape (n_samples,).
        rate: Sample rate, in Hz.
        new_rate: A higher sample rate, in Hz.

    Returns:
        Shape (ceil(n_samples * new_rate / rate),). A last sample that the input reaches only in part is zero.
    """
    common = math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    resampled = signal.resample_poly(samples, up, down, window=_interpolation_filter(up))
    n_interpolated = len(samples) * new_rate // rate
    n_samples = math.ceil(len(samples) * (new_rate / rate))
    return np.pad(resampled[:n_interpolated], (0, n_samples - n_interpolated))


@functools.lru_cache(maxsize=4)
def _interpolation_filter(up: int) -> NDArray[np.float64]:
    """The impulse response, ``up`` values to each sample of the input; resample_poly multiplies it by ``up``."""
    n_side = _ZERO_CROSSINGS * up
    time = np.arange(-n_side, n_side + 1) / up
    return _CUT_OFF * np.sinc(_CUT_OFF * time) * np.kaiser(2 * n_side + 1, _KAISER_BETA) / up


def _mono(audio: NDArray) -> NDArray[np.float64]:
    """The sum of the channels, shape (n_samples,), with a peak of one."""
    audio = np.asarray(audio)
    if not (np.issubdtype(audio.dtype, np.floating) or np.issubdtype(audio.dtype, np.integer)):
        raise DataError(f"audio must be real numbers; these are {audio.dtype}.")
    if audio.ndim not in (1, 2):
        raise DataError(f"audio must have the shape (n_samples,) or (n_samples, n_channels); this has {audio.shape}.")
    if audio.size == 0:
        raise DataError("the audio has no samples, so it has no brightness and no depth.")
    if audio.ndim == 2 and audio.shape[1] > audio.shape[0]:
        raise DataError(
            f"the audio has the shape {audio.shape}, more channels than samples; expected (n_samples, n_channels), so "
            "transpose audio whose channels come first."
        )
    samples = audio.astype(np.float64)
    if not np.isfinite(samples).all():
        n_bad = np.count_nonzero(~np.isfinite(samples))
        raise DataError(f"the audio holds NaN or infinity ({n_bad} of {samples.size} values).")
    # Before the sum: the loudest of doubles would overflow.
    loudest = np.abs(samples).max()
    if loudest == 0:
        raise DataError("the audio is silent, so it has no brightness and no depth.")
    samples = samples / loudest
    if samples.ndim == 2:
        samples = samples[:, :_CHANNELS_HEARD].sum(axis=1)
        loudest = np.abs(samples).max()
        if loudest == 0:
            raise DataError("the channels cancel in mono, so the audio has no brightness and no depth.")
        samples = samples / loudest
    return samples
