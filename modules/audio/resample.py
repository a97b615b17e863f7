"""Audio at another sample rate: the one resampler of data, evaluations and pages."""

from functools import lru_cache
from math import gcd

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import firwin, resample_poly
from torch import Tensor

VERSION = 2
"""Part of the keys of what is made of resampled audio: to be raised with any change to the result."""

REACH = 64
"""How far the filter reaches to either side, in samples of the lower of the two rates."""

# A Kaiser window of this shape and reach passes 90 % of the lower Nyquist frequency within a thousandth of a decibel,
# and nothing from that frequency on above -100 dB.
_CUTOFF, _BETA = 0.95, 10.06


def resampled(audio: Tensor, sample_rate: int, wanted: int) -> Tensor:
    """Brings audio to another sample rate, by a polyphase filter on the CPU.

    Up to 90 % of the lower Nyquist frequency it is as it was, and from there to the Nyquist frequency it fades: aliases
    and images lie below -100 dB. Torchaudio has a good filter too, but for rates with no common divisor, like 44,101
    and 16,000 Hz, it takes gigabytes.

    Args:
        audio: Float, of shape (n, n_samples).
        sample_rate: Sample rate of the audio, in Hz.
        wanted: Sample rate of the result, in Hz.

    Returns:
        Float32 of shape (n, n_samples * wanted / sample_rate, rounded up), where the audio is; at an equal rate the
        audio itself.

    >>> resampled(torch.zeros(1, 441), 44_100, 16_000).shape
    torch.Size([1, 160])
    """
    if sample_rate == wanted:
        return audio
    common = gcd(sample_rate, wanted)
    up, down = wanted // common, sample_rate // common
    samples = resample_poly(audio.detach().float().cpu().numpy(), up, down, axis=1, window=_filter(up, down))
    return torch.from_numpy(samples).to(audio.device)


@lru_cache(maxsize=8)
def _filter(up: int, down: int) -> NDArray[np.float32]:
    """The impulse response at ``up`` times the rate of the input; `resample_poly` multiplies it by ``up``."""
    larger = max(up, down)
    response: NDArray[np.float64] = firwin(2 * REACH * larger + 1, _CUTOFF / larger, window=("kaiser", _BETA))
    return response.astype(np.float32)
