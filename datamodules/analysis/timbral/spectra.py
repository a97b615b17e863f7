"""Power spectra of overlapping frames, scaled such that a bin holds the power of a sine on it."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

_HOPS_PER_FRAME = 4


def frames(samples: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Cuts audio into overlapping frames, takes the mean of each away and applies a Hamming window.

    Args:
        samples: Shape (n_samples,).
        length: Length of a frame, in samples. Shorter audio is one frame as long as the audio.

    Returns:
        Shape (n_frames, length), or (1, n_samples) for shorter audio. Samples after the last whole frame are left out.
    """
    length = min(length, len(samples))
    # Audio shorter than four samples has one frame, whatever the step.
    hop = max(1, length // _HOPS_PER_FRAME)
    cut = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
    framed = cut - cut.mean(axis=1, keepdims=True)
    framed *= _window(length)  # in place: fresh memory would cost more than the product
    return framed


def spectra(framed: NDArray[np.float64], n_fft: int) -> NDArray[np.float64]:
    """Returns one-sided power spectra, shape (n_frames, n_fft // 2 + 1), of `frames` of at most ``n_fft`` samples."""
    transform = fft.rfft(framed, n_fft)
    power = transform.real**2
    power += transform.imag**2
    power[:, 1:-1] *= 2
    return power


def powers(framed: NDArray[np.float64], n_fft: int) -> NDArray[np.float64]:
    """Returns the sums over the frequencies of `spectra`, shape (n_frames,), without computing them (Parseval)."""
    return n_fft * np.einsum("tn,tn->t", framed, framed)


@functools.lru_cache(maxsize=8)
def _window(length: int) -> NDArray[np.float64]:
    window = signal.get_window("hamming", length)
    return window / window.sum()
