"""MIG, DMIG, XMIG and DLIG over batches and processes."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor

from metrics import functional
from metrics.estimators import Estimator, estimator_named
from metrics.functional import Estimate
from metrics.latent_attribute_metric import LatentAttributeMetric


class InformationGap(LatentAttributeMetric):
    """The common part of `MutualInformationGap` and its family, which say what they compute.

    ``compute`` of each returns the values of shape ``(M,)``, which show the estimator and N in their ``repr``;
    with ``attribute_names`` a dict of scalars, like ``dmig/brightness``, and N under a key that names the estimator,
    like ``dmig/n_ksg-k3``: ready for ``self.log_dict``.

    Args:
        regularized_dims: The latent dimension of each attribute; see the function of the metric for None.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.
        attribute_names: Names of the attributes for the keys.
        prefix: Text in front of each key, such as ``val/``.
        kwargs: See :class:`torchmetrics.Metric`.
    """

    KEY: ClassVar[str]
    FUNCTION: ClassVar[Callable[..., Estimate]]
    plot_upper_bound = 1.0

    def __init__(
        self,
        *,
        regularized_dims: Sequence[int] | None = None,
        discrete: bool | Sequence[bool] = False,
        estimator: Estimator | str = "ksg",
        n_neighbors: int = 3,
        attribute_names: Sequence[str] | None = None,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(attribute_names=attribute_names, prefix=prefix, **kwargs)
        self.regularized_dims = regularized_dims
        self.discrete = discrete
        self.estimator = estimator_named(estimator, n_neighbors)

    def compute(self) -> Tensor | dict[str, Tensor]:
        """Computes the gaps of all samples so far.

        Raises:
            ValueError: See the function of the metric.
        """
        values = type(self).FUNCTION(
            *self._rows(),
            regularized_dims=self.regularized_dims,
            discrete=self.discrete,
            estimator=self.estimator,
        )
        if self.attribute_names is None:
            return values
        return self._by_name(self.KEY, values) | self._count(f"{self.KEY}/", values)


class MutualInformationGap(InformationGap):
    """MIG over all batches; see `InformationGap` and `metrics.functional.mutual_information_gap`.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> metric = MutualInformationGap()
        >>> for batch in z.split(200):
        ...     metric.update(batch, batch[:, :2])
        >>> metric.compute()
        tensor([1.0000, 0.9913], dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=500)
    """

    KEY = "mig"
    FUNCTION = functional.mutual_information_gap


class DependencyAwareMutualInformationGap(InformationGap):
    """DMIG over all batches; see `InformationGap` and `metrics.functional.dependency_aware_mutual_information_gap`.

    Example:
        >>> import torch
        >>> a = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0.9], [0.0, 0.4]])
        >>> metric = DependencyAwareMutualInformationGap(attribute_names=["brightness", "depth"])
        >>> metric.update(2 * a, a)
        >>> {key: value.item() for key, value in metric.compute().items()}
        {'dmig/brightness': 1.0, 'dmig/depth': 1.0, 'dmig/n_ksg-k3': 500.0}
    """

    KEY = "dmig"
    FUNCTION = functional.dependency_aware_mutual_information_gap


class DependencyBlindMutualInformationGap(InformationGap):
    """XMIG over all batches; see `InformationGap` and `metrics.functional.dependency_blind_mutual_information_gap`.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> metric = DependencyBlindMutualInformationGap(regularized_dims=[2])
        >>> metric.update(z, z[:, 2:])
        >>> metric.compute().shape
        torch.Size([])
    """

    KEY = "xmig"
    FUNCTION = functional.dependency_blind_mutual_information_gap


class DependencyAwareLatentInformationGap(InformationGap):
    """DLIG over all batches; see `InformationGap` and `metrics.functional.dependency_aware_latent_information_gap`.

    Example:
        >>> import torch
        >>> a = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0.9], [0.0, 0.4]])
        >>> metric = DependencyAwareLatentInformationGap()
        >>> metric.update(2 * a, a)
        >>> metric.compute().round(decimals=6).tolist()
        [1.0, 1.0]
    """

    KEY = "dlig"
    FUNCTION = functional.dependency_aware_latent_information_gap
