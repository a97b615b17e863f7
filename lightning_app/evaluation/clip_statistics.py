"""The statistics over clips that scores are, by names under which a file can keep them."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from metrics.functional import macro_f1, mean, ratio_of_sums
from metrics.functional.bootstrap import Statistic

StatisticName = Literal["mean", "ratio_of_sums", "macro_f1", "rank_correlation", "variety", "inception"]


def clip_statistic(name: str, classes: tuple[int, ...] = ()) -> Statistic:
    """Returns a statistic by its name, for `metrics.functional.bootstrap_interval`.

    Args:
        name: One of `StatisticName`.
        classes: The classes of ``macro_f1``.

    Raises:
        KeyError: There is no such statistic.

    >>> float(clip_statistic("macro_f1", (0, 1))(np.array([0, 1]), np.array([0, 1])))
    1.0
    """
    return macro_f1(classes) if name == "macro_f1" else _STATISTICS[name]


def entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy over the first axis, in nats.

    >>> round(float(entropy(np.array([0.5, 0.5]))), 4)
    0.6931
    """
    return -(shares * np.log(np.clip(shares, 1e-300, None))).sum(axis=0)


def rank_correlation(first: NDArray[Any], second: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
    """Spearman's; 0 where one of the two does not vary.

    >>> float(rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])))
    1.0
    """
    ranks = [rankdata(values, axis=axis) for values in (first, second)]
    a, b = (of - of.mean(axis=axis, keepdims=True) for of in ranks)
    scale = np.sqrt(np.square(a).sum(axis=axis) * np.square(b).sum(axis=axis))
    return np.divide((a * b).sum(axis=axis), scale, out=np.zeros(np.shape(scale)), where=scale > 0)


def variety(*likely: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
    """Entropy of the mean probabilities of clips, of which there is a row for each class, in nats.

    >>> round(float(variety(np.array([1.0, 0.0]), np.array([0.0, 1.0]))), 4)
    0.6931
    """
    return entropy(np.stack([of_class.mean(axis=axis) for of_class in likely]))


def inception(*likely: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
    """The inception score of probabilities of clips, of which there is a row for each class.

    >>> round(float(inception(np.array([1.0, 0.0]), np.array([0.0, 1.0]))), 4)
    2.0
    """
    return np.exp(variety(*likely, axis=axis) - entropy(np.stack(likely)).mean(axis=axis))


_STATISTICS: Mapping[str, Statistic] = {
    "mean": mean,
    "ratio_of_sums": ratio_of_sums,
    "rank_correlation": rank_correlation,
    "variety": variety,
    "inception": inception,
}
