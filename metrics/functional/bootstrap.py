"""Bootstrap intervals of scores over clips."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import DegenerateDataWarning, bootstrap
from torch import Tensor

from metrics.functional import inputs

Statistic = Callable[..., NDArray[np.float64]]
"""Takes rows of values, (..., n) each, and ``axis``, along which it makes one value of n."""

# Resamples that are computed at a time: some tens of MB for thousands of clips.
_BATCH = 50


class Interval(NamedTuple):
    """Where a score lies, as far as the clips it was measured on tell."""

    low: float
    high: float


def bootstrap_interval(
    statistic: Statistic, *rows: ArrayLike | Tensor, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> Interval:
    """Draws clips with replacement, again and again, and says between which values a score then lies.

    The interval is corrected for bias and skewness (BCa; Efron 1987). It says how much a score owes to the choice of
    the clips, and nothing of the training: for that, compare seeds. For the difference of two models, give the rows of
    both, of the same clips in the same order, and a statistic that takes the difference: the draws are then paired.

    Args:
        statistic: The score of rows, such as `mean`, `ratio_of_sums` or `macro_f1`.
        rows: What is known of each clip, (n,), one or more.
        level: Share of such intervals that hold the true value.
        n_resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        The interval; where every draw gives the same, both ends are that value.

    Raises:
        ValueError: Rows of different lengths, fewer than two clips, or a level that is not between 0 and 1.

    Example:
        >>> interval = bootstrap_interval(mean, [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0])
        >>> [round(end, 2) for end in interval]
        [0.25, 0.88]
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a share between 0 and 1.")
    values = [inputs.finite(f"rows[{i}]", row, "(n,)", n_axes=(1,)).cpu().numpy() for i, row in enumerate(rows)]
    lengths = [len(row) for row in values]
    if len(set(lengths)) != 1:
        raise ValueError(f"rows have lengths {lengths}; expected the same, one value for each clip.")
    if lengths[0] < 2:
        raise ValueError(f"there is {lengths[0]} clip to draw from; an interval over clips needs two or more.")
    whole = float(statistic(*values, axis=-1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # where all draws are the same
        with np.errstate(invalid="ignore", divide="ignore"):
            found = bootstrap(
                values,
                statistic,
                n_resamples=n_resamples,
                batch=_BATCH,
                vectorized=True,
                paired=True,
                axis=-1,
                confidence_level=level,
                method="BCa",
                rng=np.random.default_rng(seed),
            )
    low, high = (float(end) for end in found.confidence_interval)
    if not np.isfinite([low, high]).all():
        drawn = found.bootstrap_distribution
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist() if np.ptp(drawn) else (whole, whole)
    return Interval(low, high)


def mean(values: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
    """The mean over clips, a statistic for `bootstrap_interval`."""
    return values.mean(axis=axis, dtype=np.float64)


def ratio_of_sums(numerators: NDArray[Any], denominators: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
    """A ratio of two sums over clips, such as of right to voiced frames; a statistic for `bootstrap_interval`.

    Leave out clips that add nothing to either sum, so that no draw is of these alone.
    """
    return np.divide(numerators.sum(axis=axis), denominators.sum(axis=axis), dtype=np.float64)


def macro_f1(classes: Sequence[int]) -> Statistic:
    """Returns a statistic for `bootstrap_interval` of the wanted and the predicted class of each clip.

    Args:
        classes: The classes over which F1 is averaged; one that a draw has not, and that is not predicted, counts 0.

    >>> wanted, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    >>> round(float(macro_f1([0, 1])(wanted, predicted)), 3)
    0.733
    """

    def of(wanted: NDArray[Any], predicted: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        scores = []
        for label in classes:
            is_wanted, is_predicted = wanted == label, predicted == label
            right = (is_wanted & is_predicted).sum(axis=axis)
            either = is_wanted.sum(axis=axis) + is_predicted.sum(axis=axis)
            scores.append(np.divide(2.0 * right, either, out=np.zeros(np.shape(right)), where=either > 0))
        return np.mean(scores, axis=0)

    return of
