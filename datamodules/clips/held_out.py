"""Combinations of factors that no training clip has, to try whether a model puts together what it has heard apart."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import require_factors
from datamodules.errors import DataError

Combination = Mapping[str, str | int]
"""Values of one or more factors by their names, like ``{instrument: violin, octave: 5}``."""


def held_out_clips(
    held_out: Sequence[Combination],
    values: Mapping[str, tuple[str, ...]],
    labels: Mapping[str, NDArray[np.integer]],
    among: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Says which clips have one of the combinations that are held out.

    Args:
        held_out: The combinations.
        values: Values of each factor.
        labels: Position of each clip's value there, shape (n,).
        among: The clips that are to have each of the combinations, shape (n,).

    Returns:
        Shape (n,).

    Raises:
        DataError: A factor or a value that there is not, or a combination that none of these clips has.
    """
    held = np.zeros(len(among), bool)
    for combination in held_out:
        if not combination:
            raise DataError("held_out has an empty combination; name factors with their values.", argument="held_out")
        require_factors(tuple(combination), values, "held_out")
        has = np.ones(len(among), bool)
        for name, value in combination.items():
            if str(value) not in values[name]:
                raise DataError(
                    f"held_out has {name} {value}, which is not in this set; choose from {', '.join(values[name])}.",
                    argument="held_out",
                )
            has &= labels[name] == values[name].index(str(value))
        if not (has & among).any():
            shown = " and ".join(f"{name} {value}" for name, value in combination.items())
            raise DataError(
                f"held_out has {shown}, and there is no validation clip of it; name another combination.",
                argument="held_out",
            )
        held |= has
    return held
