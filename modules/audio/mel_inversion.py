"""Powers of a spectrum from those of its mel bands."""

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

_N_UPDATES = 50
_OFFSET = float(np.finfo(np.float64).eps)


class MelInversion:
    """Undoes mel bands: finds non-negative powers with these bands, each frame for itself, on the CPU.

    It starts from least squares, whose negative powers are cut off, and which alone is far from true to the bands (a
    correlation of 0.8 between the log-mels of a melody before and after), and refines it by updates of Lee & Seung
    (2001), which minimise the divergence between its bands and the given ones.

    Args:
        bands: Weights of the bands, (n_freq, n_mels): triangles, of which no more than two meet at a frequency.
    """

    def __init__(self, bands: Tensor) -> None:
        # Bands narrower than the step of the frequencies leave the system without full rank; the inverse copes.
        self._inverse = torch.linalg.pinv(bands.double()).float()
        self._bands = bands
        weights = bands.T.contiguous().numpy()
        self._weights = weights
        reached = weights > 0
        # A band without a frequency reaches from nowhere to nowhere.
        self._first = np.where(reached.any(axis=1), reached.argmax(axis=1), 0)
        self._end = np.where(reached.any(axis=1), weights.shape[1] - reached[:, ::-1].argmax(axis=1), 0)

    def __call__(self, mel_power: Tensor) -> Tensor:
        """Returns powers (..., n_frames, n_freq) of bands (..., n_frames, n_mels)."""
        bands = mel_power.detach().float().reshape(-1, mel_power.shape[-1])
        # A power of zero would stay zero: what the least squares cut off starts from what its bands hold.
        power = bands @ self._inverse
        torch.maximum(power, 0.01 * bands @ self._bands.T, out=power)
        _refine(power.numpy(), bands.numpy(), self._weights, self._first, self._end)
        return power.view(*mel_power.shape[:-1], -1)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _refine(
    power: NDArray[np.float32],
    mel_power: NDArray[np.float32],
    weights: NDArray[np.float32],
    first: NDArray[np.int64],
    end: NDArray[np.int64],
) -> None:
    """Updates powers (n_frames, n_freq) in place, each band on the frequencies alone that it reaches."""
    n_mels, n_freq = weights.shape
    total = np.zeros(n_freq, np.float32)
    for band in range(n_mels):
        total += weights[band]
    shares = np.empty_like(weights)
    for band in range(n_mels):
        for i in range(n_freq):
            shares[band, i] = weights[band, i] / max(total[i], np.float32(_OFFSET))
    factor = np.empty(n_freq, np.float32)
    for frame in range(len(power)):
        of_frame = power[frame]
        for _ in range(_N_UPDATES):
            factor[:] = 0
            for band in range(n_mels):
                lowest, past = first[band], end[band]
                held = np.float32(0)
                weight, reached = weights[band, lowest:past], of_frame[lowest:past]
                for i in range(past - lowest):
                    held += weight[i] * reached[i]
                wanted = mel_power[frame, band] / (held + np.float32(_OFFSET))
                share, changed = shares[band, lowest:past], factor[lowest:past]
                for i in range(past - lowest):
                    changed[i] += share[i] * wanted
            for i in range(n_freq):
                of_frame[i] *= factor[i]
