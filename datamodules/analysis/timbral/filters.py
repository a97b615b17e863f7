"""The filters of both models: three Butterworth filters of second order in a row, 36 dB per octave."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import signal

_ORDER = 2
_IN_A_ROW = 3


def high_pass(samples: NDArray[np.float64], frequency: float, rate: int) -> NDArray[np.float64]:
    """Removes what lies under ``frequency`` (in Hz, damped by 9 dB there) from samples of shape (n_samples,)."""
    return signal.sosfilt(_cascade("highpass", frequency, rate), samples)


def low_pass(samples: NDArray[np.float64], frequency: float, rate: int) -> NDArray[np.float64]:
    """Removes what lies over ``frequency`` (in Hz, damped by 9 dB there) from samples of shape (n_samples,)."""
    return signal.sosfilt(_cascade("lowpass", frequency, rate), samples)


@functools.lru_cache(maxsize=64)
def _cascade(kind: str, frequency: float, rate: int) -> NDArray[np.float64]:
    section = signal.butter(_ORDER, frequency, kind, fs=rate, output="sos")
    return np.tile(section, (_IN_A_ROW, 1))
