"""DCI: disentanglement, completeness and informativeness."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.estimate import Estimate


class DCIScores(NamedTuple):
    """What `dci` returns.

    Attributes:
        disentanglement: A scalar in [0, 1].
        completeness: Completeness in [0, 1], of shape (M,).
        informativeness: Informativeness, at most 1, of shape (M,).
        importance: How much each dimension matters to the prediction of each attribute, of shape (D, M); columns sum
            to 1.
    """

    disentanglement: Estimate
    completeness: Estimate
    informativeness: Estimate
    importance: Estimate


def dci(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    discrete: bool | Sequence[bool] = False,
    n_trees: int = 100,
    seed: int = 0,
) -> DCIScores:
    r"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2).

    For each attribute a random forest of scikit-learn learns it from all dimensions, on half of the samples. With
    R_{dm} the importance of z_d to a_m in it,

    .. math::
        \text{disentanglement} &= \sum_d \rho_d \left(1 - H_M(R_{d\cdot} / \textstyle\sum_m R_{dm})\right), \quad
            \rho_d = \textstyle\sum_m R_{dm} / \sum_{dm} R_{dm} \\
        \text{completeness}(a_m) &= 1 - H_D(R_{\cdot m} / \textstyle\sum_d R_{dm})

    with H_B the entropy to base B. The informativeness of a_m is how well the forest predicts the other half: R² for
    a continuous attribute (1 minus the squared error that its authors report, normalised), accuracy for a discrete
    one.

    Args:
        latents: Latent vectors, of shape (N, D) with D of 2 or more.
        attributes: Their attributes, of shape (N, M), 2 ≤ M.
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        n_trees: The size of a forest.
        seed: Seed of the halves and the forests.

    Returns:
        See `DCIScores`.

    Raises:
        ValueError: Shapes that do not match, fewer than two dimensions or attributes, fewer than four samples, NaN or
            infinity, an attribute that is constant (also in one half), or declared discrete with values that are not
            whole.

    Example:
        >>> import torch
        >>> z = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> scores = dci(z, z.flip(1))
        >>> scores.disentanglement.item() > 0.9, (scores.completeness > 0.9).all().item()
        (True, True)
    """
    z, a = inputs.samples(latents, attributes)
    inputs.two_dimensions(z)
    if a.shape[1] < 2:
        raise ValueError("attributes has 1 column; expected two or more, since disentanglement compares attributes.")
    if n_trees < 1:
        raise ValueError(f"n_trees is {n_trees}; expected 1 or more.")
    flags = inputs.discreteness(discrete, a)
    learnt, held_out = _halves(a, seed)
    x, forests = z.cpu().numpy(), [RandomForestClassifier if flag else RandomForestRegressor for flag in flags]
    importances, scores = [], []
    for forest, y in zip(forests, a.cpu().numpy().T, strict=True):
        fitted = forest(n_trees, random_state=seed, n_jobs=torch.get_num_threads()).fit(x[learnt], y[learnt])
        importances.append(fitted.feature_importances_)
        scores.append(fitted.score(x[held_out], y[held_out]))
    importance = torch.from_numpy(np.stack(importances, axis=1)).to(z)
    of_dims = importance.sum(dim=1)
    weights = of_dims / of_dims.sum().clamp(min=torch.finfo(torch.float64).tiny)  # collapsed dimensions have none
    made_with = {"n_trees": n_trees, "seed": seed, "n_samples": len(z)}
    return DCIScores(
        disentanglement=Estimate.of((weights * _concentration(importance, dim=1)).sum(), **made_with),
        completeness=Estimate.of(_concentration(importance, dim=0), **made_with),
        informativeness=Estimate.of(torch.tensor(scores, dtype=torch.float64).to(z.device), **made_with),
        importance=Estimate.of(importance, **made_with),
    )


def _halves(attributes: Tensor, seed: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(attributes)
    if n < 4:
        raise ValueError(f"latents has {n} samples; expected 4 or more, half of them to learn from.")
    order = np.random.default_rng(seed).permutation(n)
    learnt, held_out = order[: n // 2], order[n // 2 :]
    for half in (learnt, held_out):
        of_half = attributes[torch.from_numpy(half).to(attributes.device)]
        for column in (of_half == of_half[0]).all(dim=0).nonzero()[:, 0].tolist():
            raise ValueError(
                f"attributes[:, {column}] is constant in one half of the {n} samples; expected more samples of its "
                "other values, or another seed."
            )
    return learnt, held_out


def _concentration(importance: Tensor, dim: int) -> Tensor:
    """1 minus the entropy of the shares along a dimension, to the base of their number; 0 where there are none."""
    total = importance.sum(dim=dim, keepdim=True)
    shares = torch.where(total > 0, importance / total, 1.0 / importance.shape[dim])
    return 1.0 + torch.special.xlogy(shares, shares).sum(dim=dim) / np.log(importance.shape[dim])
