"""Which clips to keep, so that those for training have correlated factors or lack some combinations."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from datamodules.clips.held_out import Combination, held_out_clips
from datamodules.errors import DataError


def chosen_clips(
    validation: NDArray[np.bool_],
    values: Mapping[str, tuple[str, ...]],
    labels: Mapping[str, NDArray[np.integer]],
    correlation: Correlation | None,
    held_out: Sequence[Combination],
    seed: int,
) -> NDArray[np.bool_]:
    """Draws which clips to keep of many whose factors are independent.

    Which clips are for validation does not follow from the draw, so that a model can be tried on validation clips of
    any other choice, of the same seed, without having heard them.

    Args:
        validation: Which clips are for validation, shape (n,).
        values: Values of each factor.
        labels: Position of each clip's value there, shape (n,).
        correlation: Two factors that go together.
        held_out: Combinations that no training clip has; those for validation keep them.
        seed: Seed of what is passed over for the correlation.

    Returns:
        Shape (n,).

    Raises:
        DataError: A factor or value that there is not; no training clip is left of a value, or no validation clip of a
            combination that is held out.
    """
    kept = np.ones(len(validation), bool)
    if correlation is not None:
        drawn = correlation.kept(values, labels, np.random.default_rng((seed, 1)))
        kept = drawn if correlation.of == "all" else drawn | validation
    held = held_out_clips(held_out, values, labels, among=validation & kept)
    kept &= ~(held & ~validation)
    named = [*(correlation.factors if correlation is not None else ()), *(name for one in held_out for name in one)]
    for name in dict.fromkeys(named):
        before, left = (set(labels[name][side & ~validation].tolist()) for side in (np.ones_like(kept), kept))
        if lost := [values[name][position] for position in sorted(before - left)]:
            option, remedy = (
                ("held_out", "hold fewer combinations out") if held_out else ("correlation.strength", "lower it")
            )
            raise DataError(f"{option} leaves no training clip of {name} {', '.join(lost)}; {remedy}.", argument=option)
    return kept
