"""Which melody each clip plays on which instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from datamodules.clips.held_out import Combination, held_out_clips, require_every_value
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


def draw_for_training(
    candidates: Candidates,
    n_training: int,
    n_validation: int,
    correlation: Correlation | None,
    held_out: Sequence[Combination],
    seed: int,
) -> NDArray[np.integer]:
    """Draws clips so that those for training have correlated factors, or lack some combinations.

    Args:
        candidates: What to draw from, in the order in which to take it.
        n_training: Number of clips for training.
        n_validation: Number of clips for validation, which have no melody of the training clips.
        correlation: Two factors that go together.
        held_out: Combinations that no training clip has; those for validation may have them.
        seed: Seed of what is passed over for the correlation.

    Returns:
        Positions of the clips among the candidates, those for training first, shape (n_training + n_validation,).

    Raises:
        DataError: A factor or value that there is not, none left for training of a value, or too few of all.
    """
    values, labels = candidates.values(), candidates.labels()
    held = held_out_clips(held_out, values, labels)
    kept = np.ones(len(candidates), bool)
    if correlation is not None:
        kept = correlation.kept(values, labels, np.random.default_rng((seed, 1)))
    # Those for validation are taken first, since nothing is then known of what they are.
    validation = np.flatnonzero(kept if correlation is None or correlation.of == "all" else np.ones_like(kept))
    validation = validation[:n_validation]
    usable = kept & ~held & ~np.isin(candidates.groups, candidates.groups[validation])
    require_every_value(list(dict.fromkeys(name for one in held_out for name in one)), usable, values, labels)
    training = np.flatnonzero(usable)[:n_training]
    if len(training) < n_training or len(validation) < n_validation:
        raise DataError(
            f"size is {n_training + n_validation}, of which {n_training} for training, and correlation and held_out "
            f"leave {usable.sum()}. Take a smaller size, or more octaves or instruments.",
            argument="size",
        )
    return np.concatenate([training, validation])
