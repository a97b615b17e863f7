"""The Fréchet distance as it would be of infinitely many vectors."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metrics.functional.frechet_distance import frechet_distance
from metrics.functional.moments import mean_and_covariance, merged_moments

MIN_GROUPS = 8
_N_SIZES = 8


def extrapolated_frechet_distance(
    real: Tensor, generated: Tensor, seed: int = 0, advance: Callable[[], None] = lambda: None
) -> Tensor:
    r"""FAD-infinity: the Fréchet distance without what it owes to the number of vectors (Gui et al. 2024).

    The distance of finite sets is too large, by an amount that falls with 1/N (Chong & Forsyth 2020). So it is computed
    of random subsets of the groups, from a quarter of them to all, and a line is fitted to it over 1/N: its value at 0
    is the result. Both sides are cut alike.

    Args:
        real: Moments of the groups of real vectors (`metrics.functional.moments`), (G, D + 1, D + 1).
        generated: Those of the generated vectors, of the same groups.
        seed: Seed of the choice of subsets.
        advance: Called after each of as many steps as there are `subsets`.

    Returns:
        A scalar, float64, which may be a little below 0 where the sets are alike.

    Raises:
        ValueError: Too few groups or vectors; see `subsets`.
    """
    n_vectors = int(torch.minimum(real[:, 0, 0].sum(), generated[:, 0, 0].sum()))
    inverses, distances = [], []
    for chosen in subsets(len(real), n_vectors, real.shape[1] - 1, seed):
        sides = [merged_moments(side[torch.from_numpy(chosen).to(side.device)]) for side in (real, generated)]
        inverses.append(2.0 / float(sides[0][0, 0] + sides[1][0, 0]))
        distances.append(float(frechet_distance(*mean_and_covariance(sides[0]), *mean_and_covariance(sides[1]))))
        advance()
    return real.new_tensor(np.polynomial.Polynomial.fit(inverses, distances, deg=1)(0.0))


def subsets(n_groups: int, n_vectors: int, n_features: int, seed: int) -> list[NDArray[np.int64]]:
    """Returns the groups of each subset: of up to eight sizes, of each as many as there are without overlap.

    Args:
        n_groups: Number of groups.
        n_vectors: Number of vectors of all groups.
        n_features: D; the smallest subset has more vectors.
        seed: Seed of the choice.

    Raises:
        ValueError: Fewer than eight groups, or no more than 2 D vectors.

    >>> [len(groups) for groups in subsets(8, 800, 2, seed=0)]
    [2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8]
    """
    if n_groups < MIN_GROUPS or n_vectors <= 2 * n_features:
        raise ValueError(
            f"there are {n_vectors} vectors of {n_features} values in {n_groups} groups; expected {MIN_GROUPS} groups "
            f"and more than {2 * n_features} vectors, since half of them must have a covariance of full rank."
        )
    fewest = max(n_groups / 4, n_groups * (n_features + 1) / n_vectors, 1.0)
    sizes = np.unique(np.ceil(np.linspace(fewest, n_groups, _N_SIZES) - 1e-9).astype(int)).tolist()
    generator, chosen = np.random.default_rng(seed), []
    for size in sizes:
        drawn = generator.permutation(n_groups)
        chosen += [np.sort(drawn[first : first + size]) for first in range(0, n_groups - size + 1, size)]
    return chosen
