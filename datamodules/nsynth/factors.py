"""Which notes to render, so that those for training have correlated factors or lack some combinations."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from datamodules.clips.factor_choice import chosen_clips
from datamodules.clips.held_out import Combination

FACTORS = ("family", "source", "instrument", "pitch", "velocity")


class Factored(Protocol):
    """A note that tells its factors; the instrument is its General MIDI name."""

    @property
    def family(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def instrument(self) -> str: ...
    @property
    def pitch(self) -> int: ...
    @property
    def velocity(self) -> int: ...


Some = TypeVar("Some", bound=Factored)


def notes_by_factors(
    parts: Mapping[str, Sequence[Some]], correlation: Correlation | None, held_out: Sequence[Combination], seed: int
) -> dict[str, list[Some]]:
    """Chooses among the notes of each part; see `datamodules.clips.factor_choice.chosen_clips`.

    Args:
        parts: The notes of ``train`` and ``valid``.
        correlation: Two factors that go together, some of `FACTORS`.
        held_out: Combinations that no note of ``train`` is to have.
        seed: Seed of what is passed over for the correlation.

    Raises:
        DataError: As there.
    """
    notes = [note for part in parts.values() for note in part]
    validation = np.array([name != "train" for name, part in parts.items() for _ in part])
    values, labels = _values_and_labels(notes)
    kept = chosen_clips(validation, values, labels, correlation, held_out, seed)
    ends = np.cumsum([len(part) for part in parts.values()])
    return {
        name: [note for note, is_kept in zip(part, of_part, strict=True) if is_kept]
        for (name, part), of_part in zip(parts.items(), np.split(kept, ends[:-1]), strict=True)
    }


def _values_and_labels(
    notes: Sequence[Factored],
) -> tuple[dict[str, tuple[str, ...]], dict[str, NDArray[np.integer]]]:
    """The values of each factor in their order, and the position of each note's there."""
    values: dict[str, tuple[str, ...]] = {}
    labels: dict[str, NDArray[np.integer]] = {}
    for name in FACTORS:
        column = [getattr(note, name) for note in notes]
        there = sorted(set(column))
        values[name] = tuple(map(str, there))
        labels[name] = np.searchsorted(np.array(there), np.array(column))
    return values, labels
