"""Which clips swap with which when a model is evaluated or shown."""

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError


def partners_of_other_class(labels: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Draws, for each clip, a partner of another class (Luo et al. 2022, section 6.1).

    Args:
        labels: The class of each clip, shape (n,); or of each of k factors, shape (n, k), where partners differ in all.
        seed: Seed of the draw.

    Returns:
        The position of each clip's partner, shape (n,).

    Raises:
        RunError: A clip has no partner, as where all are of one class.

    >>> partners_of_other_class(np.array([0, 1, 0]), seed=0).tolist()[::2]
    [1, 1]
    """
    generator = np.random.default_rng(seed)
    partners = np.empty(len(labels), np.int64)
    by_factor = labels.reshape(len(labels), -1)
    for classes in np.unique(by_factor, axis=0):
        own = (by_factor == classes).all(axis=1)
        others = np.flatnonzero((by_factor != classes).all(axis=1))
        if not len(others):
            raise RunError(
                "a swap is between clips of two classes, and some validation clips find none of another; choose two or "
                "more classes (as with --data.instruments) or a larger set, or leave swaps out (--evaluation null "
                "--media null)."
            )
        partners[own] = generator.choice(others, size=int(own.sum()))
    return partners


def classes_in_turn(labels: NDArray[np.integer], n: int) -> list[int]:
    """Returns the positions of the first n clips, one class after the other in turn.

    >>> classes_in_turn(np.array([0, 0, 0, 1, 1]), 4)
    [0, 3, 1, 4]
    """
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    turns = [clips[turn] for turn in range(max(map(len, by_class))) for clips in by_class if turn < len(clips)]
    return [int(clip) for clip in turns[:n]]
