"""The Fréchet distance of two Gaussians."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.functional import inputs

_TOLERANCE = 1e-6  # relative, of a matrix that is called symmetric, or without negative eigenvalues


def frechet_distance(
    mean_a: ArrayLike | Tensor,
    covariance_a: ArrayLike | Tensor,
    mean_b: ArrayLike | Tensor,
    covariance_b: ArrayLike | Tensor,
) -> Tensor:
    r"""The squared 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982), on which FAD and FID rest.

    .. math::
        d^2 = \lVert \mu_a - \mu_b \rVert^2 + \text{tr}\,\Sigma_a + \text{tr}\,\Sigma_b
            - 2\,\text{tr}\big(\Sigma_a^{1/2} \Sigma_b\, \Sigma_a^{1/2}\big)^{1/2}

    The last trace is the sum of the singular values of :math:`\Sigma_a^{1/2} \Sigma_b^{1/2}`: no square root is taken
    of a matrix that is not symmetric, nor of an eigenvalue of the product, whose rounding it would magnify. Eigenvalues
    of either covariance that are 0 up to rounding are taken as 0, so a covariance may be singular.

    Args:
        mean_a: Mean of the first, of shape (D,).
        covariance_a: Covariance of the first, of shape (D, D).
        mean_b: Mean of the second, of shape (D,).
        covariance_b: Covariance of the second, of shape (D, D).

    Returns:
        A scalar, a float64 of 0 or more, in squared units of the means.

    Raises:
        ValueError: Shapes that do not match, NaN or infinity, or a matrix that is no covariance, not being symmetric
            or having negative eigenvalues.

    Example:
        >>> identity = torch.eye(2)
        >>> frechet_distance([0.0, 0.0], identity, [3.0, 0.0], 4 * identity)
        tensor(11., dtype=torch.float64)
    """
    a = inputs.finite("mean_a", mean_a, "(D,)", n_axes=(1,))
    b = inputs.finite("mean_b", mean_b, f"that of mean_a, {tuple(a.shape)}", n_axes=(1,)).to(a.device)
    if a.shape != b.shape:
        raise ValueError(f"mean_a has shape {tuple(a.shape)} and mean_b {tuple(b.shape)}; expected the same, (D,).")
    of_a, root_a = covariance_and_root("covariance_a", covariance_a, a)
    of_b, root_b = covariance_and_root("covariance_b", covariance_b, b)
    shared = torch.linalg.svdvals(root_a @ root_b).sum()
    return ((a - b).square().sum() + of_a.trace() + of_b.trace() - 2.0 * shared).clamp(min=0.0)


def covariance_and_root(name: str, covariance: ArrayLike | Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a covariance as float64 and its symmetric square root.

    Raises:
        ValueError: See `frechet_distance`.
    """
    matrix = inputs.matrix(name, covariance).to(mean.device)
    if matrix.shape != (len(mean), len(mean)):
        raise ValueError(
            f"{name} has shape {tuple(matrix.shape)}; expected {(len(mean), len(mean))}, as its mean has "
            f"{len(mean)} values."
        )
    largest = matrix.abs().max()
    if (matrix - matrix.T).abs().max() > _TOLERANCE * largest:
        raise ValueError(f"{name} is not symmetric; expected a covariance.")
    eigenvalues, vectors = torch.linalg.eigh(0.5 * (matrix + matrix.T))
    if eigenvalues[0] < -_TOLERANCE * largest:
        raise ValueError(f"{name} has the negative eigenvalue {eigenvalues[0].item():g}; expected a covariance.")
    rounding = eigenvalues[-1].clamp(min=0.0) * len(mean) * torch.finfo(torch.float64).eps
    roots = torch.where(eigenvalues > rounding, eigenvalues, 0.0).sqrt()
    return matrix, (vectors * roots) @ vectors.T
