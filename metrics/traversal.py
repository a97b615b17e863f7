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

    As output of ``compute`` it gives the mean over traversals, of shape ``(M,)``.

    Args:
        kwargs: See :class:`torchmetrics.Metric`.

    Example:
        >>> import torch
        >>> metric = Smoothness()
        >>> metric.update(torch.arange(5.0)[None], torch.arange(5.0)[None])
        >>> metric.compute()
        tensor(1., dtype=torch.float64, n_samples=1)
    """

    ROWS = ("smoothness",)
    plot_upper_bound = 1.0

    def update(self, latents: Tensor, attributes: Tensor, indices: Tensor | None = None) -> None:
        """Adds a batch of traversals.

        Raises:
            ValueError: See `metrics.functional.smoothness`.
        """
        if len(latents):
            self._add_rows(indices, smoothness_of(*traversals(latents, attributes)))

    def compute(self) -> Estimate:
        """Averages over all traversals so far.

        Raises:
            ValueError: There are none.
        """
        (scores,) = self._rows()
        return Estimate.of(scores.mean(dim=0), n_samples=len(scores))


class Monotonicity(RowMetric):
    """Whether attributes only rise, or only fall, along traversals; see `metrics.functional.monotonicity`.

    It takes what `Smoothness` takes, and gives the mean over traversals, of shape ``(M,)``.

    Args:
        threshold: The rate of change, in units of the attribute per unit of z, up to which it counts as none.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: A negative threshold.

    Example:
        >>> import torch
        >>> metric = Monotonicity()
        >>> metric.update(torch.arange(5.0)[None], -torch.arange(5.0)[None] ** 2)
        >>> metric.compute()
        tensor(-1., dtype=torch.float64, threshold=0.001, n_samples=1)
    """

    # With the threshold, so that a collection never takes metrics of different thresholds for one.
    ROWS = ("monotonicity", "thresholds")
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0

    def __init__(self, *, threshold: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if threshold < 0:
            raise ValueError(f"threshold is {threshold}; expected 0 or more.")
        self.threshold = threshold

    def update(self, latents: Tensor, attributes: Tensor, indices: Tensor | None = None) -> None:
        """Adds a batch of traversals.

        Raises:
            ValueError: See `metrics.functional.monotonicity`.
        """
        if len(latents):
            scores = monotonicity_of(*traversals(latents, attributes), threshold=self.threshold)
            self._add_rows(indices, scores, torch.full((len(scores), 1), self.threshold, device=scores.device))

    def compute(self) -> Estimate:
        """Averages over all traversals so far.

        Raises:
            ValueError: There are none.
        """
        scores, _ = self._rows()
        return Estimate.of(scores.mean(dim=0), threshold=self.threshold, n_samples=len(scores))
