"""The maximum mean discrepancy of two sets of vectors, on which KAD rests."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.bootstrap import Statistic

_SCALE = 100.0  # of KAD, as its paper reports it
_BLOCK = 2048  # vectors of either side that are compared at a time: some 100 MB
_MEDIAN_OF = 2048  # vectors whose distances give the bandwidth


def kernel_distance(real: ArrayLike | Tensor, generated: ArrayLike | Tensor, bandwidth: float | None = None) -> Tensor:
    r"""KAD: how far embeddings of generated audio are, as a whole, from those of real audio (Chung et al. 2025).

    .. math::
        \text{KAD} = 100 \Big( \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j)
            + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j) - \frac{2}{n m} \sum_{i, j} k(x_i, y_j) \Big),
            \quad k(a, b) = \exp \frac{-\lVert a - b \rVert^2}{2 \sigma^2}

    This is the unbiased estimate of the squared maximum mean discrepancy (Gretton et al. 2012), so it does not depend
    on the numbers of vectors as the Fréchet distance does, takes neither side for a Gaussian, and may be a little below
    0. It expects vectors that are independent of one another; for clips of several frames, or for generated clips that
    were each made from a real one, take `pair_terms`.

    Memory does not grow with the number of vectors, and time with its square.

    Args:
        real: Embeddings of real audio, of shape (n, D).
        generated: Embeddings of generated audio, of shape (m, D).
        bandwidth: Sigma; None takes the median distance of two real embeddings, see `median_distance`.

    Returns:
        A scalar, float64.

    Raises:
        ValueError: Other shapes, fewer than two vectors on a side, NaN or infinity, or a bandwidth that is not above 0.

    Example:
        >>> kernel_distance([[0.0], [2.0]], [[3.0], [5.0]]).round(decimals=2)
        tensor(42.5200, dtype=torch.float64)
    """
    x, y = inputs.matrix("real", real), inputs.matrix("generated", generated)
    y = y.to(x.device)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"real has shape {tuple(x.shape)} and generated {tuple(y.shape)}; expected embeddings of equal lengths."
        )
    if min(len(x), len(y)) < 2:
        raise ValueError(f"there are {len(x)} real and {len(y)} generated embeddings; expected 2 or more of each.")
    sigma = _bandwidth(bandwidth, x)
    centre = x.mean(dim=0)  # so that distances of vectors far from 0 lose no digits
    x, y = x - centre, y - centre
    n, m = len(x), len(y)
    within = [(_kernel_sum(side, side, sigma) - len(side)) / (len(side) * (len(side) - 1)) for side in (x, y)]
    return _SCALE * (within[0] + within[1] - 2.0 * _kernel_sum(x, y, sigma) / (n * m))


def median_distance(vectors: Tensor) -> float:
    """Returns the median distance of two vectors of (n, D), of 2,048 evenly spaced ones where there are more.

    Raises:
        ValueError: More than half of the distances are 0.

    >>> median_distance(torch.tensor([[0.0], [3.0], [4.0]]))
    3.0
    """
    few = vectors[torch.linspace(0, len(vectors) - 1, min(len(vectors), _MEDIAN_OF)).round().long()]
    median = float(np.median(torch.pdist(few.double()).cpu().numpy()))
    if not median > 0:
        raise ValueError(
            f"more than half of {len(few)} real embeddings are the same, so that their distances give no bandwidth; "
            "expected embeddings that tell one sound from another."
        )
    return median


def pair_terms(
    real: Tensor, generated: Tensor, bandwidth: float | None = None, advance: Callable[[], None] = lambda: None
) -> Tensor:
    r"""What each pair of clips adds to KAD, where every generated clip was made from a real one.

    .. math:: h_{ij} = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)

    The mean over pairs of different clips is the unbiased estimate for samples that come in pairs (Gretton et al. 2012,
    lemma 6): x and y of one clip depend on one another and are never compared, nor are two frames of one clip. It is 0
    where both sides are the same. For clips of several frames, k is their mean over all pairs of frames.

    Args:
        real: Embeddings of the real clips, (N, frames, D).
        generated: Those of what was made from each, of the same shape.
        bandwidth: Sigma; None takes the median distance of two real frames.
        advance: Called after each of `n_blocks` steps.

    Returns:
        The terms, symmetric, (N, N) float64; see `mean_of_pairs`.

    Raises:
        ValueError: See `median_distance`.
    """
    x, y = real.double(), generated.double()
    sigma = _bandwidth(bandwidth, x.flatten(0, 1))
    centre = x.mean(dim=(0, 1))
    x, y = x - centre, y - centre
    terms = x.new_empty(len(x), len(x))
    for rows in _blocks(len(x), x.shape[1]):
        for columns in _blocks(len(x), x.shape[1]):
            xy, yx = _of_clips(x[rows], y[columns], sigma), _of_clips(y[rows], x[columns], sigma)
            same = _of_clips(x[rows], x[columns], sigma) + _of_clips(y[rows], y[columns], sigma)
            terms[rows, columns] = same - xy - yx
        advance()
    return terms


def n_blocks(n_clips: int, n_frames: int) -> int:
    """Returns in how many steps `pair_terms` goes through clips."""
    return len(list(_blocks(n_clips, n_frames)))


def mean_of_pairs(terms: NDArray[np.float64]) -> Statistic:
    """Returns KAD as a statistic of the numbers of clips, 0 to N - 1, for `bootstrap_interval`.

    A clip that is drawn twice is not compared with itself.

    Args:
        terms: The terms of `pair_terms`, (N, N).

    >>> float(mean_of_pairs(np.array([[0.0, 0.2], [0.2, 0.0]]))(np.arange(2)))
    20.0
    """
    apart = terms - np.diag(np.diag(terms))

    def of(clips: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        drawn = np.moveaxis(clips, axis, -1).astype(np.int64)
        counts = np.zeros((*drawn.shape[:-1], len(apart)))
        np.add.at(counts.reshape(-1, len(apart)), (np.arange(counts.size // len(apart))[:, None],
                  drawn.reshape(-1, drawn.shape[-1])), 1.0)  # fmt: skip
        pairs = np.square(counts.sum(axis=-1)) - np.square(counts).sum(axis=-1)
        sums = ((counts @ apart) * counts).sum(axis=-1)
        # A draw of one clip alone has no pair; it is rare, and says nothing.
        return _SCALE * np.divide(sums, pairs, out=np.zeros_like(pairs), where=pairs > 0)

    return of


def _bandwidth(bandwidth: float | None, real: Tensor) -> float:
    if bandwidth is None:
        return median_distance(real)
    if not bandwidth > 0:
        raise ValueError(f"bandwidth is {bandwidth}; expected a distance above 0.")
    return float(bandwidth)


def _kernel(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """The kernel of every two of (n, D) and (m, D), (n, m)."""
    squared = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1) - 2.0 * x @ y.T
    return torch.exp(squared.clamp_(min=0.0) / (-2.0 * bandwidth**2))


def _kernel_sum(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    sums = [_kernel(a, b, bandwidth).sum() for a in x.split(_BLOCK) for b in y.split(_BLOCK)]
    return torch.stack(sums).sum()


def _of_clips(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """The mean kernel of two clips' frames, (n, m), of (n, frames, D) and (m, frames, D)."""
    kernel = _kernel(x.flatten(0, 1), y.flatten(0, 1), bandwidth)
    return kernel.view(len(x), x.shape[1], len(y), y.shape[1]).mean(dim=(1, 3))


def _blocks(n_clips: int, n_frames: int) -> Iterator[slice]:
    size = max(1, _BLOCK // n_frames)
    return (slice(first, first + size) for first in range(0, n_clips, size))
