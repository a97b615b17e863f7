"""Which clips are for training and which for validation."""

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DataError


def check_fraction(validation_fraction: float, argument: str = "validation_fraction") -> None:
    """Raises DataError, which names the argument, where a share of validation clips is no share."""
    if not 0 < validation_fraction < 1:
        raise DataError(
            f"validation_fraction is {validation_fraction}; it must lie between 0 and 1.", argument=argument
        )


def split_by_group(groups: NDArray[np.integer], validation_fraction: float) -> NDArray[np.bool_]:
    """Splits clips in their order, keeping all clips of a group on one side.

    Args:
        groups: The group of each clip, shape (n,).
        validation_fraction: Wanted share of validation clips, in (0, 1).

    Returns:
        True for validation clips, shape (n,). Groups go to the training side in order of appearance until it has its
        share, so where every clip is a group of its own the shares are exact.

    Raises:
        DataError: One of the sides would be empty.

    >>> split_by_group(np.array([7, 8, 7, 9]), 0.5).tolist()
    [False, True, False, True]
    """
    check_fraction(validation_fraction)
    _, first, inverse, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    clips_before = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    n_train = round(len(groups) * (1 - validation_fraction))
    in_validation = np.empty(len(order), bool)
    in_validation[order] = clips_before >= n_train
    validation = in_validation[inverse]
    if validation.all() or not validation.any():
        raise DataError(
            f"{len(groups)} clips of {len(order)} groups cannot be split with validation_fraction "
            f"{validation_fraction}: one side would be empty. Ask for a larger set.",
            argument="validation_fraction",
        )
    return validation
