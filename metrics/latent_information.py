"""The whole family of information metrics, from latents that are kept once."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from metrics.estimators import Estimator, estimator_named
from metrics.functional import inputs
from metrics.functional.gaps import dlig_of, dmig_of, mig_of, xmig_of
from metrics.functional.information import Information
from metrics.functional.modularity import modularity_of
from metrics.functional.spearman import spearman_of
from metrics.latent_attribute_metric import LatentAttributeMetric

METRICS = ("scc", "mig", "dmig", "xmig", "dlig", "modularity")


class LatentInformation(LatentAttributeMetric):
    """SCC, MIG, DMIG, XMIG, DLIG and modularity from one estimate of mutual information.

    The latents are kept once, and one (D, M) and one (M, M) matrix serve all metrics; each alone would estimate them
    again. ``update`` takes latents, attributes and optional indices; see `metrics.latent_attribute_metric`.

    ``compute`` returns a dict of scalars, ready for ``self.log_dict``: for each attribute like
    ``scc/brightness``, ``mig/brightness``, ``dmig/brightness``, ``xmig/brightness`` and ``dlig/brightness``; the mean
    over dimensions as ``modularity``; and N under a key that names the estimator, like ``n_ksg-k3``, since values of
    another N or estimator must not be compared with these.

    Args:
        regularized_dims: The latent dimension of each attribute; with None, dimension i for attribute i.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.
        metrics: Metrics to compute; None takes all that are defined: MIG and DMIG need two dimensions, XMIG needs one
            that regularises no attribute, DLIG and modularity need two attributes.
        attribute_names: Names of the attributes for the keys; with None the numbers of the attributes.
        prefix: Text in front of each key, such as ``val/``.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: A metric that there is not.

    Example:
        >>> import torch
        >>> a = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0.9], [0.0, 0.4]])
        >>> metric = LatentInformation(attribute_names=["brightness", "depth"], prefix="val/")
        >>> metric.update(2 * a, a)
        >>> values = metric.compute()
        >>> list(values)
        ['val/scc/brightness', 'val/scc/depth', 'val/mig/brightness', 'val/mig/depth', 'val/dmig/brightness',
         'val/dmig/depth', 'val/dlig/brightness', 'val/dlig/depth', 'val/modularity', 'val/n_ksg-k3']
        >>> values["val/dmig/depth"].item()
        1.0
    """

    plot_upper_bound = 1.0

    def __init__(
        self,
        *,
        regularized_dims: Sequence[int] | None = None,
        discrete: bool | Sequence[bool] = False,
        estimator: Estimator | str = "ksg",
        n_neighbors: int = 3,
        metrics: Sequence[str] | None = None,
        attribute_names: Sequence[str] | None = None,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(attribute_names=attribute_names, prefix=prefix, **kwargs)
        for name in metrics or ():
            if name not in METRICS:
                raise ValueError(f"metrics has {name!r}; expected some of {', '.join(METRICS)}.")
        self.regularized_dims = regularized_dims
        self.discrete = discrete
        self.estimator = estimator_named(estimator, n_neighbors)
        self.metrics = metrics

    def compute(self) -> dict[str, Tensor]:
        """Computes all metrics of all samples so far.

        Raises:
            ValueError: See `metrics.functional.mutual_information_gap`; or a metric was asked for that is not defined.
        """
        z, a = inputs.samples(*self._rows())
        dims = inputs.dimensions(self.regularized_dims, z, a)
        names = self.metrics if self.metrics is not None else _defined(z, a)
        if "mig" in names or "dmig" in names:
            inputs.two_dimensions(z)
        information = Information.estimated(z, a, self.discrete, self.estimator)
        values: dict[str, Tensor] = {}
        for name in names:
            match name:
                case "scc":
                    values |= self._by_name(name, spearman_of(z, a, dims))
                case "mig":
                    values |= self._by_name(name, mig_of(information, dims))
                case "dmig":
                    values |= self._by_name(name, dmig_of(information, dims))
                case "xmig":
                    values |= self._by_name(name, xmig_of(information, dims))
                case "dlig":
                    values |= self._by_name(name, dlig_of(information, dims))
                case "modularity":
                    values[f"{self.key_prefix}{name}"] = modularity_of(information.of_latents).mean()
        return values | self._count("", information.estimate(information.entropy))


def _defined(latents: Tensor, attributes: Tensor) -> list[str]:
    """The metrics that are defined for these numbers of dimensions and attributes."""
    n_dims, n_attributes = latents.shape[1], attributes.shape[1]
    undefined = {
        "mig": n_dims < 2,
        "dmig": n_dims < 2,
        "xmig": n_dims == n_attributes,
        "dlig": n_attributes < 2,
        "modularity": n_attributes < 2,
    }
    return [name for name in METRICS if not undefined.get(name)]
