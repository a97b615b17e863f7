"""DCI over batches and processes."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from metrics.functional import dci
from metrics.latent_attribute_metric import LatentAttributeMetric


class DCI(LatentAttributeMetric):
    """Disentanglement, completeness and informativeness over all batches; see `metrics.functional.dci`.

    ``update`` takes latents, attributes and optional indices; see `metrics.latent_attribute_metric`. ``compute``
    returns a dict of scalars: ``dci/disentanglement``, and for each attribute like ``dci/completeness/brightness`` and
    ``dci/informativeness/brightness``.

    Args:
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        n_trees: The size of a forest.
        seed: Seed of the halves and the forests.
        attribute_names: Names of the attributes for the keys; with None the numbers of the attributes.
        prefix: Text in front of each key, such as ``val/``.
        kwargs: See :class:`torchmetrics.Metric`.

    Example:
        >>> import torch
        >>> z = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        >>> metric = DCI(attribute_names=["brightness", "depth"])
        >>> metric.update(z, z)
        >>> list(metric.compute())
        ['dci/disentanglement', 'dci/completeness/brightness', 'dci/completeness/depth',
         'dci/informativeness/brightness', 'dci/informativeness/depth', 'dci/n_samples']
    """

    plot_upper_bound = 1.0

    def __init__(
        self,
        *,
        discrete: bool | Sequence[bool] = False,
        n_trees: int = 100,
        seed: int = 0,
        attribute_names: Sequence[str] | None = None,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(attribute_names=attribute_names, prefix=prefix, **kwargs)
        self.discrete = discrete
        self.n_trees = n_trees
        self.seed = seed

    def compute(self) -> dict[str, Tensor]:
        """Computes the scores of all samples so far.

        Raises:
            ValueError: See `metrics.functional.dci`.
        """
        scores = dci(*self._rows(), discrete=self.discrete, n_trees=self.n_trees, seed=self.seed)
        return {
            f"{self.key_prefix}dci/disentanglement": scores.disentanglement.as_subclass(Tensor),
            **self._by_name("dci/completeness", scores.completeness),
            **self._by_name("dci/informativeness", scores.informativeness),
            **self._count("dci/", scores.disentanglement),
        }
