"""Smoothness and monotonicity of traversals over batches and processes."""

from typing import Any

import torch
from torch import Tensor

from metrics.functional import Estimate
from metrics.functional.traversal import monotonicity_of, smoothness_of, traversals
from metrics.row_metric import RowMetric


class Smoothness(RowMetric):
    """How evenly attributes change along traversals; see `metrics.functional.smoothness`.

    As input to ``update`` the metric takes:

    - ``latents`` (:class:`~torch.Tensor`): positions of the regularised dimension, of shape ``(n, T)`` or ``(n, M, T)``
    - ``attributes`` (:class:`~torch.Tensor`): the attribute of what was decoded there, of the same shape
    - ``indices`` (:class:`~torch.Tensor`, optional): the number of each traversal, integer of shape ``(n,)``; one that
      comes twice, as a distributed sampler pads its last batch, counts once

    ``compute`` returns the mean over the traversals along which the attribute moves, of shape ``(M,)``.

    Args:
        resolution: The range, in units of the attribute, up to which an attribute counts as standing still.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: A negative resolution.

    Example:
        >>> import torch
        >>> metric = Smoothness()
        >>> metric.update(torch.arange(5.0)[None], torch.arange(5.0)[None])
        >>> metric.compute()
        tensor(1., dtype=torch.float64, resolution=0.0, n_samples=1)
    """

    # With the resolution, so that a collection never takes metrics of different resolutions for one.
    ROWS = ("smoothness", "resolutions")
    plot_upper_bound = 1.0

    def __init__(self, *, resolution: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.resolution = _not_negative("resolution", resolution)

    def update(self, latents: Tensor, attributes: Tensor, indices: Tensor | None = None) -> None:
        """Adds a batch of traversals.

        Raises:
            ValueError: See `metrics.functional.smoothness`.
        """
        if len(latents):
            scores = smoothness_of(*traversals(latents, attributes), self.resolution)
            self._add_rows(indices, scores, _column(self.resolution, scores))

    def compute(self) -> Estimate:
        """Averages over all traversals so far.

        Raises:
            ValueError: There are none.
        """
        scores, _ = self._rows()
        return Estimate.of(scores.nanmean(dim=0), resolution=self.resolution, n_samples=len(scores))


class Monotonicity(RowMetric):
    """Whether attributes only rise, or only fall, along traversals; see `metrics.functional.monotonicity`.

    It takes what `Smoothness` takes, and returns the mean over the traversals along which the attribute moves, of shape
    ``(M,)``.

    Args:
        threshold: The rate of change, in units of the attribute per unit of z, up to which it counts as none.
        resolution: The range, in units of the attribute, up to which an attribute counts as standing still.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: A negative threshold or resolution.

    Example:
        >>> import torch
        >>> metric = Monotonicity()
        >>> metric.update(torch.arange(5.0)[None], -torch.arange(5.0)[None] ** 2)
        >>> metric.compute()
        tensor(-1., dtype=torch.float64, threshold=0.001, resolution=0.0, n_samples=1)
    """

    # With both, so that a collection never takes metrics of different ones for one.
    ROWS = ("monotonicity", "thresholds", "resolutions")
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0

    def __init__(self, *, threshold: float = 1e-3, resolution: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = _not_negative("threshold", threshold)
        self.resolution = _not_negative("resolution", resolution)

    def update(self, latents: Tensor, attributes: Tensor, indices: Tensor | None = None) -> None:
        """Adds a batch of traversals.

        Raises:
            ValueError: See `metrics.functional.monotonicity`.
        """
        if len(latents):
            scores = monotonicity_of(*traversals(latents, attributes), self.threshold, self.resolution)
            self._add_rows(indices, scores, _column(self.threshold, scores), _column(self.resolution, scores))

    def compute(self) -> Estimate:
        """Averages over all traversals so far.

        Raises:
            ValueError: There are none.
        """
        scores, _, _ = self._rows()
        made_with = {"threshold": self.threshold, "resolution": self.resolution, "n_samples": len(scores)}
        return Estimate.of(scores.nanmean(dim=0), **made_with)


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{name} is {value}; expected 0 or more.")
    return value


def _column(value: float, scores: Tensor) -> Tensor:
    """A row of one value for each traversal."""
    return torch.full((len(scores), 1), value, device=scores.device)
