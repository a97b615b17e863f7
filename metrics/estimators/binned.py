"""Mutual information from counts in equal-frequency bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Binned:
    r"""The plug-in estimate from a table of counts, on the device of the latents.

    .. math:: I(z; a) = \sum_{u, v} p_{uv} \log \frac{p_{uv}}{p_u p_v}

    Each column is cut at its quantiles into ``n_bins`` bins of equally many samples (a column of no more values than
    bins keeps its values; classes of discrete attributes are kept). The estimate depends on ranks only, so monotone
    functions do not change it. It is biased upwards: for independent variables of B and C bins by about
    (B - 1)(C - 1) / 2N nat (Miller 1955), which is 0.11 nat for N = 1,000 and the default of 16 bins, and it cannot
    exceed log B. Do not put its values in one table with those of `metrics.estimators.KSG`.

    Args:
        n_bins: B, 2 or more.

    Raises:
        ValueError: Fewer than two bins.
    """

    n_bins: int = 16

    def __post_init__(self) -> None:
        if self.n_bins < 2:
            raise ValueError(f"n_bins is {self.n_bins}; expected 2 or more.")

    @property
    def label(self) -> str:
        """Name and number of bins."""
        return f"binned-{self.n_bins}"

    @property
    def min_samples(self) -> int:
        """One sample for each bin."""
        return self.n_bins

    def information(self, latents: Tensor, attributes: Tensor, discrete: Sequence[bool]) -> Tensor:
        """Estimates all pairs; see `metrics.estimators.Estimator`."""
        latent_bins = [self._bins(column) for column in latents.T]
        attribute_bins = [
            column.unique(return_inverse=True)[1] if is_discrete else self._bins(column)
            for column, is_discrete in zip(attributes.T, discrete, strict=True)
        ]
        pairs = [_plug_in(latent, attribute) for latent in latent_bins for attribute in attribute_bins]
        return torch.stack(pairs).view(len(latent_bins), len(attribute_bins))

    def _bins(self, column: Tensor) -> Tensor:
        """The bin of each sample; those with the same value share one, and a mirrored column has mirrored bins."""
        values, inverse, counts = column.unique(return_inverse=True, return_counts=True)
        if len(values) <= self.n_bins:
            return inverse
        # Integers keep the mirror exact: twice the mean rank of a value, in [1, 2N - 1].
        double_rank = 2 * counts.cumsum(0) - counts
        double_n = 2 * len(column)
        low_half = double_rank * 2 <= double_n
        mirrored = torch.where(low_half, double_rank, double_n - double_rank)
        bins = mirrored * self.n_bins // double_n
        return torch.where(low_half, bins, self.n_bins - 1 - bins)[inverse]


def _plug_in(u: Tensor, v: Tensor) -> Tensor:
    n_v = int(v.max()) + 1
    joint = torch.bincount(u * n_v + v, minlength=(int(u.max()) + 1) * n_v).view(-1, n_v).double() / len(u)
    independent = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return torch.where(joint > 0, joint * (joint / independent).log(), 0.0).sum().clamp(min=0.0)
