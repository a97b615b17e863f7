"""SAP: how much better one latent dimension predicts an attribute than the next."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import LinearSVC
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.estimate import Estimate
from metrics.functional.gaps import gap


def separated_attribute_predictability(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    regularized_dims: Sequence[int] | None = None,
    discrete: bool | Sequence[bool] = False,
) -> Estimate:
    r"""SAP: the gap between the two dimensions that predict an attribute best (Kumar et al. 2018, section 3).

    .. math:: \text{SAP}(a_i) = S_{i d} - \max_{k \neq d} S_{i k}

    S is the score of predicting an attribute from one dimension alone: the R² of a linear regression for a
    continuous attribute, the accuracy of a linear support vector machine (:class:`sklearn.svm.LinearSVC`, C = 1) on the
    same samples for a discrete one.

    Args:
        latents: Latent vectors, of shape (N, D) with D of 2 or more.
        attributes: Their attributes, of shape (N, M), M ≤ D.
        regularized_dims: The dimension d of each attribute; negative values are then possible. With None d is the
            dimension that predicts best.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.

    Returns:
        For each attribute a float64 of at most 1, of shape (M,).

    Raises:
        ValueError: Shapes that do not match, fewer than two dimensions, NaN or infinity, an attribute that is constant,
            or declared discrete with values that are not whole, or wrong ``regularized_dims``.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> separated_attribute_predictability(z, 2 * z[:, :1] + 1)
        tensor([0.9996], dtype=torch.float64, n_samples=500)
    """
    z, a = inputs.samples(latents, attributes)
    inputs.two_dimensions(z)
    flags = inputs.discreteness(discrete, a)
    dims = inputs.dimensions(regularized_dims, z, a)
    scores = _squared_correlations(z, a)
    for column, is_discrete in enumerate(flags):
        if is_discrete:
            scores[:, column] = _accuracies(z, a[:, column]).to(scores)
    return Estimate.of(gap(scores, None if regularized_dims is None else dims), n_samples=len(z))


def _squared_correlations(z: Tensor, a: Tensor) -> Tensor:
    """R² of shape (D, M); that of a constant dimension is 0."""
    varies = (z != z[0]).any(dim=0)
    return torch.where(varies[:, None], (_unit(z).T @ _unit(a)) ** 2, 0.0)


def _unit(x: Tensor) -> Tensor:
    """Columns at mean 0 and norm 1; first at a largest value of 1, since squares of very small values are no floats."""
    centred = x - x.mean(dim=0)
    scaled = centred / centred.abs().amax(dim=0)
    return scaled / scaled.norm(dim=0)


def _accuracies(z: Tensor, classes: Tensor) -> Tensor:
    labels: NDArray[np.int64] = classes.long().cpu().numpy()
    columns = [column[:, None] for column in z.cpu().numpy().T]
    scores = [LinearSVC(random_state=0).fit(column, labels).score(column, labels) for column in columns]
    return torch.tensor(scores, dtype=torch.float64)
