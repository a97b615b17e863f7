"""Modularity over batches and processes."""

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from metrics.estimators import Estimator, estimator_named
from metrics.functional import modularity
from metrics.latent_attribute_metric import LatentAttributeMetric


class Modularity(LatentAttributeMetric):
    """How far each latent dimension is from telling of more than one attribute; see `metrics.functional.modularity`.

    ``update`` takes latents, attributes and optional indices; see `metrics.latent_attribute_metric`.

    Args:
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.
        reduction: ``none`` for a value of each dimension, of shape (D,); ``mean`` for their mean, as its authors give.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: Another reduction.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> metric = Modularity(reduction="mean")
        >>> metric.update(z, z)
        >>> round(metric.compute().item(), 3)
        1.0
    """

    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    def __init__(
        self,
        *,
        discrete: bool | Sequence[bool] = False,
        estimator: Estimator | str = "ksg",
        n_neighbors: int = 3,
        reduction: Literal["none", "mean"] = "none",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if reduction not in ("none", "mean"):
            raise ValueError(f"reduction is {reduction!r}; expected 'none' or 'mean'.")
        self.discrete = discrete
        self.estimator = estimator_named(estimator, n_neighbors)
        self.reduction = reduction

    def compute(self) -> Tensor:
        """Computes the modularity of all samples so far.

        Raises:
            ValueError: See `metrics.functional.modularity`.
        """
        values = modularity(*self._rows(), discrete=self.discrete, estimator=self.estimator)
        return values.mean() if self.reduction == "mean" else values
