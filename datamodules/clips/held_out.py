"""Combinations of factors that no training clip has, to try whether a model puts together what it has heard apart."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import require_factors
from datamodules.errors import DataError

Combination = Mapping[str, str | int]
"""Values of two or more factors by their names, like ``{instrument: violin, octave: 5}``."""


def held_out_clips(
    held_out: Sequence[Combination],
    values: Mapping[str, tuple[str, ...]],
    labels: Mapping[str, NDArray[np.integer]],
) -> NDArray[np.bool_]:
    """Says which clips have one of the combinations that are held out.

    Args:
        held_out: The combinations.
        values: Values of each factor.
        labels: Position of each clip's value there, shape (n,).

    Returns:
        Shape (n,).

    Raises:
        DataError: A factor or a value that there is not, or a combination that no clip has.
    """
    n_clips = len(next(iter(labels.values())))
    held = np.zeros(n_clips, bool)
    for combination in held_out:
        require_factors(tuple(combination), values, "held_out")
        has = np.full(n_clips, bool(combination))
        for name, value in combination.items():
            if str(value) not in values[name]:
                raise DataError(
                    f"held_out has {name} {value}, which is not in this set; choose from {', '.join(values[name])}.",
                    argument="held_out",
                )
            has &= labels[name] == values[name].index(str(value))
        if not has.any():
            raise DataError(f"held_out has {_shown(combination)}, which no clip is.", argument="held_out")
        held |= has
    return held


def require_every_value(
    factors: Sequence[str],
    training: NDArray[np.bool_],
    values: Mapping[str, tuple[str, ...]],
    labels: Mapping[str, NDArray[np.integer]],
) -> None:
    """Checks that every value of some factors is left to train on.

    Args:
        factors: Names of the factors.
        training: Which clips are left for training, shape (n,).
        values: Values of each factor.
        labels: Position of each clip's value there, shape (n,).

    Raises:
        DataError: There is no training clip of a value.
    """
    for name in factors:
        there = set(labels[name][training].tolist())
        for position, value in enumerate(values[name]):
            if position not in there:
                raise DataError(
                    f"there is no training clip of {name} {value} left; hold fewer combinations out.",
                    argument="held_out",
                )


def _shown(combination: Combination) -> str:
    return " and ".join(f"{name} {value}" for name, value in combination.items()) or "no factor"
