"""A prior of v for models that have one for each clip alone: a mixture, fitted to where their training clips lie."""

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError

N_COMPONENTS = 10
"""Components of the mixture, unless another number is asked for."""


def draw_from_posteriors(means: NDArray[np.float64], n_draws: int, n_components: int, seed: int) -> NDArray[np.float64]:
    """Draws from a Gaussian mixture that is fitted to posterior means, the same for the same seed.

    Args:
        means: The posterior means of v of training clips, (n, V).
        n_draws: Number of draws.
        n_components: Components of the mixture; see `check_components`.
        seed: Seed of the fit and of the draws.

    Returns:
        The draws, (n_draws, V).
    """
    # Not above: commands that tell the default in their --help do not wait for scikit-learn.
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(n_components, random_state=seed).fit(means)
    # Sampling one component after the other, so that draws would be sorted by it.
    return np.random.default_rng(seed).permutation(mixture.sample(n_draws)[0])


def check_components(n_components: int, n_clips: int, option: str, otherwise: str) -> None:
    """Says where there are too few training clips for a mixture.

    Args:
        n_components: Components of the mixture.
        n_clips: Number of training clips.
        option: The option that sets the components.
        otherwise: What else can be done.

    Raises:
        RunError: There are.
    """
    if n_components < 1 or n_clips < 2 * n_components:
        raise RunError(
            f"{option} is {n_components}; it must be 1 or more, and at most half of the {n_clips} training clips. "
            f"{otherwise}"
        )
