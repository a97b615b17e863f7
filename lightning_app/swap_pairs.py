"""Which clips swap with which when a model is evaluated or shown."""

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError


def partners_of_other_class(labels: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Draws, for each clip, a partner of another class (Luo et al. 2022, section 6.1).

    Args:
        labels: The class of each clip, shape (n,).
        seed: Of the draw.

    Returns:
        The position of each clip's partner, shape (n,).

    Raises:
        RunError: All clips are of one class.

    >>> partners_of_other_class(np.array([0, 1, 0]), seed=0).tolist()[::2]
    [1, 1]
    """
    if len(np.unique(labels)) < 2:
        raise RunError(
            "a swap is between clips of two classes, and all validation clips are of one; choose two or more (as with "
            "--data.instruments) or a larger set, or leave swaps out (--evaluation null --media null)."
        )
    generator = np.random.default_rng(seed)
    partners = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = labels == label
        partners[own] = generator.choice(np.flatnonzero(~own), size=int(own.sum()))
    return partners
