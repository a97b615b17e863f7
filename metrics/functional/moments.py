r"""The number, mean and scatter of vectors in one matrix, which can be merged exactly.

The matrix has shape (D + 1, D + 1): the number of vectors :math:`n` in its first corner, their mean :math:`\mu` beside
it, and below, in the last D rows and columns, their scatter :math:`S = \sum_i (x_i - \mu)(x_i - \mu)^T`. Being one
tensor, it is one state of a metric, and its merge can be one reduction over processes. Since S is around the mean and
not around 0, vectors far from 0 lose no digits.
"""

import torch
from torch import Tensor


def no_moments(n_features: int) -> Tensor:
    """Returns the moments of no vector at all, float64."""
    return torch.zeros(n_features + 1, n_features + 1, dtype=torch.float64)


def moments_of(vectors: Tensor) -> Tensor:
    """Returns the moments of vectors (n, D), float64.

    Example:
        >>> moments_of(torch.tensor([[1.0, 0.0], [3.0, 4.0]]))
        tensor([[2., 2., 2.],
                [0., 2., 4.],
                [0., 4., 8.]], dtype=torch.float64)
    """
    vectors = vectors.double()
    moments = vectors.new_zeros(vectors.shape[1] + 1, vectors.shape[1] + 1)
    if len(vectors):
        mean = vectors.mean(dim=0)
        centred = vectors - mean
        moments[0, 0], moments[0, 1:], moments[1:, 1:] = len(vectors), mean, centred.T @ centred
    return moments


def merged_moments(moments: Tensor) -> Tensor:
    r"""Returns the moments of all vectors from those of k groups, of shape (k, D + 1, D + 1) (Chan et al. 1979).

    .. math::
        n = \sum_k n_k, \quad \mu = \frac{1}{n} \sum_k n_k \mu_k, \quad
        S = \sum_k S_k + n_k (\mu_k - \mu)(\mu_k - \mu)^T
    """
    counts, means = moments[:, 0, 0], moments[:, 0, 1:]
    merged = torch.zeros_like(moments[0])
    merged[0, 0] = counts.sum()
    mean = counts @ means / merged[0, 0].clamp(min=1.0)
    apart = (means - mean) * counts.sqrt()[:, None]
    merged[0, 1:], merged[1:, 1:] = mean, moments[:, 1:, 1:].sum(dim=0) + apart.T @ apart
    return merged


def mean_and_covariance(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the mean (D,) and the unbiased covariance (D, D) of two vectors or more."""
    return moments[0, 1:], moments[1:, 1:] / (moments[0, 0] - 1.0)
