"""The gaps between the information of one latent dimension, or one attribute, and the next."""

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.estimators import Estimator, estimator_named
from metrics.functional import inputs
from metrics.functional.estimate import Estimate
from metrics.functional.information import Information

_ROUNDING = 1e-9  # nats


def mig_of(information: Information, dims: Sequence[int] | None) -> Tensor:
    """MIG of shape (M,); see `mutual_information_gap`."""
    return gap(information.of_latents, dims) / information.entropy


def dmig_of(information: Information, dims: Sequence[int]) -> Tensor:
    """DMIG of shape (M,); see `dependency_aware_mutual_information_gap`."""
    own_gap, rivals = _gap_to_next(information.of_latents, dims)
    bounds = information.entropy.repeat(len(information.of_latents), 1)
    bounds[list(dims)] = information.conditional_entropy.T
    return _of_bound(own_gap, bounds, rivals)


def xmig_of(information: Information, dims: Sequence[int]) -> Tensor:
    """XMIG of shape (M,); see `dependency_blind_mutual_information_gap`."""
    n_dims, n_attributes = information.of_latents.shape
    free = [dim for dim in range(n_dims) if dim not in dims]
    if not free:
        raise ValueError(
            f"latents has {n_dims} dimensions, all of them regularised; expected one or more that regularises no "
            "attribute, since the dependency-blind gap is the distance to these."
        )
    own = information.of_latents[list(dims), range(n_attributes)]
    return (own - information.of_latents[free].amax(dim=0)) / information.entropy


def dlig_of(information: Information, dims: Sequence[int]) -> Tensor:
    """DLIG of shape (M,); see `dependency_aware_latent_information_gap`."""
    n_attributes = len(dims)
    if n_attributes < 2:
        raise ValueError("attributes has 1 column; expected two or more, since the latent gap lies between attributes.")
    own_gap, rivals = _gap_to_next(information.of_latents[list(dims)].T, range(n_attributes))
    return _of_bound(own_gap, information.conditional_entropy.T, rivals)


def gap(scores: Tensor, dims: Sequence[int] | None) -> Tensor:
    """How much better one dimension scores than the next, for each attribute.

    Args:
        scores: Score of each dimension and attribute, of shape (D, M).
        dims: The dimension of each attribute; with None, the best.

    Returns:
        Shape (M,).
    """
    if dims is None:
        best, second = scores.topk(2, dim=0).values
        return best - second
    return _gap_to_next(scores, dims)[0]


def _gap_to_next(information: Tensor, own: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The gap in each column between the row that is its own and the best of the others; and which that is, or are."""
    columns = range(information.shape[1])
    others = information.clone()
    others[list(own), columns] = -torch.inf
    best = others.amax(dim=0)
    return information[list(own), columns] - best, others == best


def _of_bound(gap: Tensor, bounds: Tensor, rivals: Tensor) -> Tensor:
    """The gap's share of the bound that the best of the others sets; where several are the best, of the largest."""
    bound = torch.where(rivals, bounds, -torch.inf).amax(dim=0)
    return torch.where(bound > _ROUNDING, gap / bound, torch.nan)


def mutual_information_gap(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    regularized_dims: Sequence[int] | None = None,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""MIG: how much more one latent dimension tells of an attribute than the next (Chen et al. 2018, eq. 6).

    .. math:: \text{MIG}(a_i) = \frac{I(a_i; z_i) - \max_{k \neq i} I(a_i; z_k)}{H(a_i)}

    It reaches 1 only for attributes that are independent of each other; see `dependency_aware_mutual_information_gap`.

    Args:
        latents: Latent vectors, of shape (N, D) with D of 2 or more.
        attributes: Their attributes, of shape (N, M), M ≤ D.
        regularized_dims: The dimension z_i of each attribute. Negative values are then possible: another dimension
            tells more. With None z_i is the dimension that tells most.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        For each attribute a float64 of at most 1, of shape (M,). They depend on the estimator, k and N, since H of a
        continuous attribute does (`metrics.functional.entropy`).

    Raises:
        ValueError: See `metrics.functional.mutual_information`; fewer than two dimensions; more attributes than
            dimensions; ``regularized_dims`` of another number, twice the same, or out of range.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> mutual_information_gap(z, z[:, :2])
        tensor([1.0000, 0.9913], dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=500)
    """
    z, a = inputs.samples(latents, attributes)
    inputs.two_dimensions(z)
    dims = inputs.dimensions(regularized_dims, z, a)
    information = _information(z, a, discrete, estimator, n_neighbors)
    return information.estimate(mig_of(information, None if regularized_dims is None else dims))


def dependency_aware_mutual_information_gap(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    regularized_dims: Sequence[int] | None = None,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""DMIG: MIG that does not punish attributes for being related (Watcharasupat & Lerch 2021, eq. 6).

    .. math::
        \text{DMIG}(a_i) = \frac{I(a_i; z_i) - I(a_i; z_j)}{H}, \quad j = \arg\max_{k \neq i} I(a_i; z_k), \quad
        H = \begin{cases} H(a_i \mid a_j) & z_j \text{ is regularised for } a_j \\ H(a_i) & \text{otherwise} \end{cases}

    Where the next dimension is that of a related attribute, even perfect latents z_i = f(a_i) leave a gap of no more
    than H(a_i | a_j). Divided by it, they reach 1 however related the attributes are. For independent attributes it
    is MIG.

    Args:
        latents: Latent vectors, of shape (N, D) with D of 2 or more.
        attributes: Their attributes, of shape (N, M), M ≤ D.
        regularized_dims: The dimension z_i of each attribute; with None, dimension i for attribute i.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        For each attribute a float64, of shape (M,). It is 1 for perfect latents (up to the error of estimates), and
        negative where another dimension tells more than z_i. It exceeds 1, by H(a_i) / H(a_i | a_j) at most, where z_j
        fails its own attribute and tells less of a_i than a_j does. NaN where a_j determines a_i: then nothing is left
        to tell apart.

    Raises:
        ValueError: See `mutual_information_gap`.

    Example:
        >>> import torch
        >>> a = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0.9], [0.0, 0.4]])
        >>> dependency_aware_mutual_information_gap(2 * a, a).tolist(), mutual_information_gap(2 * a, a).tolist()
        ([1.0, 1.0], [0.8168..., 0.8168...])
    """
    z, a = inputs.samples(latents, attributes)
    inputs.two_dimensions(z)
    dims = inputs.dimensions(regularized_dims, z, a)
    information = _information(z, a, discrete, estimator, n_neighbors)
    return information.estimate(dmig_of(information, dims))


def dependency_blind_mutual_information_gap(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    regularized_dims: Sequence[int] | None = None,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""XMIG: the gap to the best dimension that regularises no attribute (Watcharasupat's latte-metrics, 2021).

    .. math:: \text{XMIG}(a_i) = \frac{I(a_i; z_i) - \max_{k \notin R} I(a_i; z_k)}{H(a_i)}

    R are the regularised dimensions. It shows what has leaked out of them, whatever passes between them.

    Args:
        latents: Latent vectors, of shape (N, D).
        attributes: Their attributes, of shape (N, M), M < D.
        regularized_dims: The dimension z_i of each attribute; with None, dimension i for attribute i.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        For each attribute a float64 of at most 1, of shape (M,).

    Raises:
        ValueError: See `mutual_information_gap`; or no dimension is left that regularises no attribute.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> dependency_blind_mutual_information_gap(z, z[:, 1:2], regularized_dims=[1])
        tensor([0.9913], dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=500)
    """
    z, a = inputs.samples(latents, attributes)
    dims = inputs.dimensions(regularized_dims, z, a)
    information = _information(z, a, discrete, estimator, n_neighbors)
    return information.estimate(xmig_of(information, dims))


def dependency_aware_latent_information_gap(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    regularized_dims: Sequence[int] | None = None,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""DLIG: how much more a regularised dimension tells of its attribute than of the next (latte-metrics, 2021).

    .. math::
        \text{DLIG}(a_i) = \frac{I(a_i; z_i) - I(a_j; z_i)}{H(a_i \mid a_j)}, \quad j = \arg\max_{k \neq i} I(a_k; z_i)

    Args:
        latents: Latent vectors, of shape (N, D).
        attributes: Their attributes, of shape (N, M), 2 ≤ M ≤ D.
        regularized_dims: The dimension z_i of each attribute; with None, dimension i for attribute i.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        For each attribute a float64, of shape (M,); negative where z_i tells more of another attribute. NaN where a_j
        determines a_i.

    Raises:
        ValueError: See `mutual_information_gap`; or a single attribute.

    Example:
        >>> import torch
        >>> a = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0.9], [0.0, 0.4]])
        >>> dependency_aware_latent_information_gap(2 * a, a).round(decimals=6).tolist()
        [1.0, 1.0]
    """
    z, a = inputs.samples(latents, attributes)
    dims = inputs.dimensions(regularized_dims, z, a)
    information = _information(z, a, discrete, estimator, n_neighbors)
    return information.estimate(dlig_of(information, dims))


def _information(
    z: Tensor, a: Tensor, discrete: bool | Sequence[bool], estimator: Estimator | str, n_neighbors: int
) -> Information:
    return Information.estimated(z, a, discrete, estimator_named(estimator, n_neighbors))
