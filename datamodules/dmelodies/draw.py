"""Which melody each clip plays on which instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from datamodules.clips.factor_choice import chosen_clips
from datamodules.clips.held_out import Combination
from datamodules.clips.split import split_by_group
from datamodules.dmelodies import factors
from datamodules.errors import DataError


@dataclass(frozen=True)
class Candidates:
    """Melodies on instruments.

    Attributes:
        melodies: Index of each melody in the whole set, shape (n,).
        instruments: Position of its instrument in the names, shape (n,).
        instrument_names: Names of the instruments.
        octaves: The octaves that there may be, in their order.
    """

    melodies: NDArray[np.int64]
    instruments: NDArray[np.int64]
    instrument_names: tuple[str, ...]
    octaves: tuple[int, ...]

    @classmethod
    def shuffled(
        cls, melodies: NDArray[np.int64], instrument_names: tuple[str, ...], octaves: tuple[int, ...], seed: int
    ) -> "Candidates":
        """Returns every melody on every instrument, in an order drawn by the seed.

        The instruments take turns, and a melody comes again after all the others.
        """
        drawn = np.random.default_rng(seed).permutation(melodies)
        turn, position = np.divmod(np.arange(len(drawn) * len(instrument_names)), len(drawn))
        return cls(drawn[position], (position + turn) % len(instrument_names), instrument_names, octaves)

    def __len__(self) -> int:
        return len(self.melodies)

    def __getitem__(self, rows: Any) -> "Candidates":
        """Returns some of them."""
        return Candidates(self.melodies[rows], self.instruments[rows], self.instrument_names, self.octaves)

    @property
    def factors(self) -> NDArray[np.int64]:
        """The value of each factor of each melody, shape (n, 9)."""
        return np.stack(np.unravel_index(self.melodies, factors.SHAPE), axis=1).astype(np.int64)

    @property
    def groups(self) -> NDArray[np.int64]:
        """A number for the local factors of each melody, shape (n,)."""
        n_global = len(factors.GLOBAL_FACTORS)
        return np.ravel_multi_index(tuple(self.factors[:, n_global:].T), factors.SHAPE[n_global:])

    def values(self) -> dict[str, tuple[str, ...]]:
        """The instruments, the octaves, and the values of each other factor that has two or more among them."""
        names = {"instrument": self.instrument_names, "octave": tuple(map(str, self.octaves))}
        for name, column in zip(factors.FACTORS, self.factors.T, strict=True):
            there = np.unique(column)
            if name != "octave" and len(there) > 1:
                words = factors.value_names(name)
                names[name] = tuple(words[value] for value in there)
        return names

    def labels(self) -> dict[str, NDArray[np.integer]]:
        """For each entry of `values`, the position of each candidate's value there, shape (n,)."""
        labels: dict[str, NDArray[np.integer]] = {"instrument": self.instruments}
        for name, classes in self.values().items():
            if name != "instrument":
                words = np.array(factors.value_names(name))[self.factors[:, list(factors.FACTORS).index(name)]]
                labels[name] = (words[:, None] == np.array(classes)).argmax(axis=1)
        return labels


def drawn_by_factors(
    candidates: Candidates,
    size: int,
    validation_fraction: float,
    correlation: Correlation | None,
    held_out: Sequence[Combination],
    seed: int,
) -> Candidates:
    """Draws clips so that those for training have correlated factors, or lack some combinations.

    Args:
        candidates: What to draw from, in the order in which to take it.
        size: Number of clips in all.
        validation_fraction: Share of them for validation, and of all melodies that these are drawn from.
        correlation: Two factors that go together.
        held_out: Combinations that no training clip has; those for validation may have them.
        seed: Seed of what is passed over for the correlation.

    Returns:
        The clips, those for training first.

    Raises:
        DataError: See `datamodules.clips.factor_choice.chosen_clips`; or too few clips are left.
    """
    validation = split_by_group(candidates.groups, validation_fraction)
    kept = chosen_clips(validation, candidates.values(), candidates.labels(), correlation, held_out, seed)
    n_training = round(size * (1 - validation_fraction))
    sides = []
    for name, side, wanted in (("training", ~validation, n_training), ("validation", validation, size - n_training)):
        left = np.flatnonzero(kept & side)
        if len(left) < wanted:
            option = "held_out" if correlation is None else "correlation"
            raise DataError(
                f"{option} leaves {len(left)} clips for {name}, and a size of {size} needs {wanted}; take a smaller "
                "size, or more octaves or instruments.",
                argument=option,
            )
        sides.append(left[:wanted])
    return candidates[np.concatenate(sides)]
