"""SAP over batches and processes."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from metrics.functional import separated_attribute_predictability
from metrics.latent_attribute_metric import LatentAttributeMetric


class SeparatedAttributePredictability(LatentAttributeMetric):
    """SAP over all batches; see `metrics.functional.separated_attribute_predictability`.

    ``update`` takes latents, attributes and optional indices; see `metrics.latent_attribute_metric`. ``compute``
    returns the values of shape ``(M,)``, with ``attribute_names`` a dict of scalars, like ``sap/brightness``.

    Args:
        regularized_dims: The latent dimension of each attribute; with None, the one that predicts it best.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        attribute_names: Names of the attributes for the keys.
        prefix: Text in front of each key, such as ``val/``.
        kwargs: See :class:`torchmetrics.Metric`.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> metric = SeparatedAttributePredictability(attribute_names=["brightness", "depth"])
        >>> metric.update(z, z)
        >>> sorted(metric.compute())
        ['sap/brightness', 'sap/depth', 'sap/n_samples']
    """

    plot_upper_bound = 1.0

    def __init__(
        self,
        *,
        regularized_dims: Sequence[int] | None = None,
        discrete: bool | Sequence[bool] = False,
        attribute_names: Sequence[str] | None = None,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(attribute_names=attribute_names, prefix=prefix, **kwargs)
        self.regularized_dims = regularized_dims
        self.discrete = discrete

    def compute(self) -> Tensor | dict[str, Tensor]:
        """Computes SAP of all samples so far.

        Raises:
            ValueError: See `metrics.functional.separated_attribute_predictability`.
        """
        values = separated_attribute_predictability(
            *self._rows(), regularized_dims=self.regularized_dims, discrete=self.discrete
        )
        return values if self.attribute_names is None else self._by_name("sap", values) | self._count("sap/", values)
