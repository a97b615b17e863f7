"""Which segments are for training and which for validation."""

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.split import check_fraction
from datamodules.errors import DataError

_N_ORDERS = 10


def split_by_segment(instrument: NDArray[np.integer], validation_fraction: float, seed: int) -> NDArray[np.bool_]:
    """Draws the wanted share of each instrument's segments.

    Args:
        instrument: Instrument of each segment, shape (n,).
        validation_fraction: Wanted share of validation segments, in (0, 1).
        seed: Seed of the draw.

    Returns:
        True for validation segments, shape (n,).

    >>> split_by_segment(np.array([0, 0, 0, 0, 1, 1]), 0.5, seed=0).sum()
    np.int64(3)
    """
    check_fraction(validation_fraction)
    generator = np.random.default_rng(seed)
    validation = np.zeros(len(instrument), bool)
    for value in np.unique(instrument):
        own = generator.permutation(np.flatnonzero(instrument == value))
        validation[own[: round(validation_fraction * len(own))]] = True
    return validation


def split_by_piece(
    instrument: NDArray[np.integer], piece: NDArray[np.integer], validation_fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Draws pieces, so that about the wanted share of each instrument's segments is in them.

    Pieces come in an order drawn by the seed, and are for validation if that brings the shares closer to the wanted. Of
    ten orders, that whose shares come closest counts: with few pieces, some orders come nowhere near.

    Args:
        instrument: Instrument of each segment, shape (n,).
        piece: Piece of each segment, shape (n,).
        validation_fraction: Wanted share of validation segments, in (0, 1).
        seed: Seed of the order.

    Returns:
        True for validation segments, shape (n,); all segments of a piece are on one side.

    >>> validation = split_by_piece(np.array([0, 1, 0, 1]), np.array([7, 7, 8, 8]), 0.5, seed=0)
    >>> validation.sum(), validation[0] == validation[1]
    (np.int64(2), np.True_)
    """
    check_fraction(validation_fraction)
    own = instrument == np.unique(instrument)[:, None]
    in_piece = {value: piece == value for value in np.unique(piece)}
    share_of = {value: (own & inside).sum(axis=1) / own.sum(axis=1) for value, inside in in_piece.items()}
    generator = np.random.default_rng(seed)
    best, least = np.zeros(len(instrument), bool), np.inf
    for _ in range(_N_ORDERS):
        validation, shares = np.zeros(len(instrument), bool), np.zeros(len(own))
        for value in generator.permutation(list(in_piece)):
            larger = shares + share_of[value]
            if np.abs(larger - validation_fraction).sum() < np.abs(shares - validation_fraction).sum():
                validation, shares = validation | in_piece[value], larger
        distance = np.abs(shares - validation_fraction).sum()
        if distance < least:
            best, least = validation, distance
    return best


def check_sides(
    validation: NDArray[np.bool_], instrument: NDArray[np.integer], names: tuple[str, ...], remedy: str
) -> None:
    """Raises DataError where one side has nothing of an instrument, with what to do about it."""
    for value, name in enumerate(names):
        own = validation[instrument == value]
        for side, is_there in (("training", not own.all()), ("validation", own.any())):
            if not is_there:
                raise DataError(
                    f"none of the {len(own)} segments of {name} is left for {side}; {remedy}.",
                    argument="validation_fraction",
                )
