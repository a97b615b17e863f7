"""Envelopes of audio: one that never misses an attack, and one that follows decays."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

RMS_STEP = 256
"""Samples to each value of `rms_envelope`."""

_HOLD_SECONDS = 0.01
_DECAY_SECONDS = 0.2


def peak_envelope(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Follows each rise at once, holds a peak for 10 ms, then falls from full scale to zero in 0.2 s.

    Args:
        samples: Shape (n_samples,).
        rate: Sample rate in Hz.

    Returns:
        Shape (n_samples,), nowhere below the samples' magnitudes.
    """
    magnitudes = np.abs(samples)
    return _hold_and_decay(magnitudes, _HOLD_SECONDS * rate, magnitudes.max() / (_DECAY_SECONDS * rate))


def rms_envelope(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the root mean squares of steps of `RMS_STEP` samples over the largest, shape (ceil(n / RMS_STEP),)."""
    starts = np.arange(0, len(samples), RMS_STEP)
    lengths = np.diff(starts, append=len(samples))
    rms = np.sqrt(np.add.reduceat(samples * samples, starts) / lengths)
    return rms / rms.max()


@njit(cache=True, nogil=True)
def _hold_and_decay(magnitudes: NDArray[np.float64], hold: float, decay: float) -> NDArray[np.float64]:
    envelope = np.empty_like(magnitudes)
    level = 0.0
    n_held = 0
    for i in range(len(magnitudes)):
        if magnitudes[i] >= level:
            level = magnitudes[i]
            n_held = 0
        elif n_held < hold:
            n_held += 1
        else:
            # Only a new rise starts the next hold.
            level = max(level - decay, magnitudes[i])
        envelope[i] = level
    return envelope
