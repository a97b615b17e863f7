"""Phases from the magnitudes of a spectrogram, by phase gradient heap integration (Průša, Balazs & Søndergaard 2017).

With a Gaussian window the phase's slopes follow from those of the logarithmic magnitude, and nearly so with Hann's.
They are added up from the loudest bin on, always from the loudest of what is done, so that what is quiet, whose slopes
are least sure, is left to the end.
"""

import math

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

_GAUSSIAN = 0.25645
"""Time-frequency ratio of the Gaussian that a Hann window is nearest to, over the square of its length."""

_LEVEL = 0.05  # nepers: bins this near in level may go in any order, which makes the queue take constant time
_N_LEVELS = 320  # 139 dB, below which phases are as good as any others


def integrated_phase(magnitude: Tensor, n_fft: int, hop_length: int, known: Tensor | None = None) -> Tensor:
    """Finds phases that magnitudes go with, for `torch.istft` with a periodic Hann window.

    Where a phase is free, as that of each sound's loudest bin is, it is random, but the same at every call.

    Args:
        magnitude: Magnitudes of a centred STFT, (batch, n_fft // 2 + 1, n_frames).
        n_fft: Length of the window and of the FFT, in samples.
        hop_length: Step from frame to frame, in samples.
        known: Spectrum of the first frames, whose phases are kept, (batch, n_fft // 2 + 1, fewer frames); or None.

    Returns:
        Phases in radians, float32 of the shape of the magnitudes, where they are.

    >>> integrated_phase(torch.ones(1, 33, 10), 64, 16).shape
    torch.Size([1, 33, 10])
    """
    by_frame = magnitude.detach().transpose(1, 2).float().cpu()
    free = 2 * math.pi * torch.rand(by_frame.shape[1:], generator=torch.Generator().manual_seed(0))
    phases = free.expand_as(by_frame).contiguous()
    # The STFT counts phases from a frame's first sample, and the slopes are those from its middle.
    turned = math.pi * (torch.arange(by_frame.shape[2]) % 2)
    n_known = 0 if known is None else known.shape[2]
    if known is not None:
        phases[:, :n_known] = known.detach().transpose(1, 2).cpu().angle() + turned
    floor = by_frame.amax(dim=(1, 2), keepdim=True) * math.exp(-_LEVEL * _N_LEVELS)
    log_magnitude = torch.maximum(by_frame, floor.clamp(min=torch.finfo(torch.float32).tiny)).log().contiguous()
    for of_clip, log_of_clip in zip(phases.numpy(), log_magnitude.numpy(), strict=True):
        _integrate(of_clip, log_of_clip, n_known, n_fft, hop_length)
    return (phases + turned).transpose(1, 2).to(magnitude.device)


@njit(cache=True, nogil=True)
def _slope(values: NDArray[np.float32], i: int) -> float:
    """The central difference at a place, one-sided at the ends."""
    before, after = max(i - 1, 0), min(i + 1, len(values) - 1)
    return float(values[after] - values[before]) / max(after - before, 1)


@njit(cache=True, nogil=True)
def _integrate(
    phase: NDArray[np.float32], log_magnitude: NDArray[np.float32], n_known: int, n_fft: int, hop_length: int
) -> None:
    """Overwrites phases (n_frames, n_bins) but those of the first frames, and of what is too quiet."""
    n_frames, n_bins = phase.shape
    # A queue by levels: of each a chain of bins, from the one that came last.
    top = log_magnitude.max()
    level = np.empty(phase.size, np.int16)
    border, after_in_border = np.full(_N_LEVELS, -1, np.int32), np.empty(phase.size, np.int32)
    seed, after_in_seeds = np.full(_N_LEVELS, -1, np.int32), np.empty(phase.size, np.int32)
    loudest = -1
    for i in range(phase.size):
        of_bin = _N_LEVELS - 1 - int((top - log_magnitude.flat[i]) / _LEVEL)
        level[i] = of_bin
        if of_bin > 0 and i < n_known * n_bins:
            after_in_border[i], border[of_bin] = border[of_bin], i
            loudest, level[i] = max(loudest, of_bin), -1
        elif of_bin > 0:
            after_in_seeds[i], seed[of_bin] = seed[of_bin], i
        else:
            level[i] = -1
    advance = 2 * np.pi * ((np.arange(n_bins) * hop_length) % n_fft) / n_fft
    ratio = _GAUSSIAN * n_fft / hop_length  # of a slope over bins to one over frames
    for seed_level in range(_N_LEVELS - 1, -2, -1):
        # First what is known; then from each seed on.
        start = seed[seed_level] if seed_level >= 0 else -1
        while True:
            while loudest >= 0:
                i = border[loudest]
                if i < 0:
                    loudest -= 1
                    continue
                border[loudest] = after_in_border[i]
                frame, bin_ = i // n_bins, i % n_bins
                for step in range(4):
                    to_frame = frame + (1 if step == 0 else -1 if step == 1 else 0)
                    to_bin = bin_ + (1 if step == 2 else -1 if step == 3 else 0)
                    if to_frame < 0 or to_frame >= n_frames or to_bin < 0 or to_bin >= n_bins:
                        continue
                    to = to_frame * n_bins + to_bin
                    if level[to] < 0:
                        continue
                    if step < 2:
                        slopes = _slope(log_magnitude[frame], bin_)
                        slopes += _slope(log_magnitude[to_frame], bin_)
                        way = (to_frame - frame) * (advance[bin_] + slopes / (2 * ratio))
                    else:
                        slopes = _slope(log_magnitude[:, bin_], frame)
                        slopes += _slope(log_magnitude[:, to_bin], frame)
                        way = (bin_ - to_bin) * slopes / 2 * ratio
                    found = phase[frame, bin_] + way
                    phase[to_frame, to_bin] = found - 2 * np.pi * np.round(found / (2 * np.pi))
                    after_in_border[to], border[level[to]] = border[level[to]], to
                    loudest, level[to] = max(loudest, level[to]), -1
            while start >= 0 and level[start] < 0:
                start = after_in_seeds[start]
            if start < 0:
                break
            after_in_border[start], border[seed_level] = border[seed_level], start
            loudest, level[start] = seed_level, -1
