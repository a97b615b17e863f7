"""Mutual information from counts in equal-frequency bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Binned:
    r"""The plug-in estimate from a table of counts, on the device of the latents.

    .. math:: I(z; a) = \sum_{u, v} p_{uv} \log \frac{p_{uv}}{p_u p_v}

    Each column is cut at its quantiles into ``n_bins`` bins of equally many samples. A column of no more values than
    bins keeps its values; so do discrete attributes, and, beside these, latents of no more values than the attribute
    has classes. The estimate depends on ranks only, so monotone functions do not change it. It is biased upwards, for
    independent variables of B and C bins by about (B - 1)(C - 1) / 2N nat (Miller 1955), which is 0.11 nat for
    N = 1,000 and the default of 16 bins; and between continuous variables it cannot exceed log B. Do not put its values
    in one table with those of `metrics.estimators.KSG`.

    Args:
        n_bins: B, 2 or more.

    Raises:
        ValueError: Fewer than two bins.
    """

    n_bins: int = 16

    def __post_init__(self) -> None:
        if not isinstance(self.n_bins, int) or self.n_bins < 2:
            raise ValueError(f"n_bins is {self.n_bins}; expected a whole number of 2 or more.")

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
        of_attributes = [
            column.unique(return_inverse=True)[1] if is_discrete else self._bins(column, self.n_bins)
            for column, is_discrete in zip(attributes.T, discrete, strict=True)
        ]
        # As many values of a latent are kept as there are bins, or classes beside it.
        kept = [
            max(self.n_bins, int(bins.max()) + 1 if is_discrete else 0)
            for bins, is_discrete in zip(of_attributes, discrete, strict=True)
        ]
        rows = []
        for column in latents.T:
            of_latent = {n_kept: self._bins(column, n_kept) for n_kept in set(kept)}
            rows += [_plug_in(of_latent[n_kept], bins) for bins, n_kept in zip(of_attributes, kept, strict=True)]
        return torch.stack(rows).view(latents.shape[1], len(of_attributes))

    def _bins(self, column: Tensor, n_kept: int) -> Tensor:
        """The bin of each sample, those with the same value in one; up to ``n_kept`` values are bins themselves."""
        _, inverse, counts = column.unique(return_inverse=True, return_counts=True)
        if len(counts) <= n_kept:
            return inverse
        # Twice the mean rank of each value, in [1, 2N - 1]: an integer, so that the bins are exact.
        double_rank = (2 * counts.cumsum(0) - counts)[inverse]
        # A column and its mirror image get the same bins: both are read from the side of the first sample.
        off_centre = double_rank - len(column)
        if off_centre[off_centre != 0][0] > 0:
            double_rank = 2 * len(column) - double_rank
        return double_rank * self.n_bins // (2 * len(column))


def _plug_in(u: Tensor, v: Tensor) -> Tensor:
    n_v = int(v.max()) + 1
    joint = torch.bincount(u * n_v + v, minlength=(int(u.max()) + 1) * n_v).view(-1, n_v).double() / len(u)
    independent = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return torch.where(joint > 0, joint * (joint / independent).log(), 0.0).sum().clamp(min=0.0)
