"""Modularity: whether a latent dimension tells of one attribute only."""

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.estimators import Estimator
from metrics.functional.estimate import Estimate
from metrics.functional.information import mutual_information


def modularity_of(information: Tensor) -> Tensor:
    """Modularity of shape (D,) from mutual information of shape (D, M); see `modularity`."""
    n_attributes = information.shape[1]
    if n_attributes < 2:
        raise ValueError("attributes has 1 column; expected two or more, since modularity compares attributes.")
    squares = information**2
    best = squares.amax(dim=1)
    spread = (squares.sum(dim=1) - best) / (best * (n_attributes - 1))
    return torch.where(best > 0, 1.0 - spread, 0.0)


def modularity(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""How far each latent dimension is from telling of more than one attribute (Ridgeway & Mozer 2018, section 3.1).

    .. math::
        \text{modularity}(z_d) = 1 - \frac{\sum_{m \neq m^*} I(z_d; a_m)^2}{(M - 1)\, I(z_d; a_{m^*})^2}, \quad
        m^* = \arg\max_m I(z_d; a_m)

    Args:
        latents: Latent vectors, of shape (N, D).
        attributes: Their attributes, of shape (N, M), M of 2 or more.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        For each dimension a float64 in [0, 1], of shape (D,); 0 for one without any information.

    Raises:
        ValueError: See `metrics.functional.mutual_information`; or a single attribute.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> both = z.sum(dim=1, keepdim=True)
        >>> modularity(torch.cat([z, both], dim=1), z).round(decimals=1).tolist()
        [1.0, 1.0, 0.3]
    """
    information = mutual_information(
        latents, attributes, discrete=discrete, estimator=estimator, n_neighbors=n_neighbors
    )
    return Estimate.of(modularity_of(information.as_subclass(Tensor)), **information.made_with)
