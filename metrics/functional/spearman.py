"""Rank correlation of attributes with their dimensions."""

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import normalize

from metrics.functional import inputs
from metrics.functional.estimate import Estimate


def spearman_correlation(
    latents: ArrayLike | Tensor, attributes: ArrayLike | Tensor, *, regularized_dims: Sequence[int] | None = None
) -> Estimate:
    r"""SCC: Spearman's rank correlation of each attribute with its latent dimension.

    .. math:: \rho_i = \frac{\text{cov}(r(a_i), r(z_i))}{\sigma_{r(a_i)}\, \sigma_{r(z_i)}}

    r gives ranks, and ties their mean rank. It is computed in double precision, which
    :func:`torchmetrics.functional.spearman_corrcoef` is not.

    Args:
        latents: Latent vectors, of shape (N, D).
        attributes: Their attributes, of shape (N, M), M ≤ D.
        regularized_dims: The dimension z_i of each attribute; with None, dimension i for attribute i.

    Returns:
        For each attribute a float64 in [-1, 1], of shape (M,); 0 where the dimension is constant.

    Raises:
        ValueError: Shapes that do not match, NaN or infinity, a constant attribute, or wrong ``regularized_dims``.

    Example:
        >>> z = [[0.1, 3.0], [0.2, 2.0], [0.3, 1.0], [0.4, 0.0]]
        >>> spearman_correlation(z, [[1, 10], [2, 20], [3, 30], [50, 40]]).round(decimals=9).tolist()
        [1.0, -1.0]
    """
    z, a = inputs.samples(latents, attributes)
    dims = inputs.dimensions(regularized_dims, z, a)
    return Estimate.of(spearman_of(z, a, dims), n_samples=len(z))


def spearman_of(latents: Tensor, attributes: Tensor, dims: Sequence[int]) -> Tensor:
    """Correlations of shape (M,); see `spearman_correlation`."""
    pairs = zip(dims, attributes.T, strict=True)
    return torch.stack([_centred_ranks(latents[:, dim]) @ _centred_ranks(attribute) for dim, attribute in pairs])


def _centred_ranks(column: Tensor) -> Tensor:
    """Mean ranks at mean 0 and norm 1; zeros for a constant column."""
    _, inverse, counts = column.unique(return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0).double() - 0.5 * counts - 0.5 * len(column))[inverse]
    return normalize(ranks, dim=0)
