"""The audio set of Luo et al. (2022), section 5.1: melodies of one tonic and scale, rendered on several instruments."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.source import ClipSource
from datamodules.clips.split import split_by_group
from datamodules.dmelodies import factors
from datamodules.errors import DataError
from datamodules.synthesis import fluidsynth, general_midi

CLIP_SECONDS = 4


def selectable_melodies(tonic: str, octaves: tuple[int, ...], scale: str) -> NDArray[np.int64]:
    """Returns the indices of the melodies with these global factors that neither start nor end with a rest.

    Args:
        tonic: One of `factors.TONICS`.
        octaves: Some of `factors.OCTAVES`.
        scale: One of `factors.SCALES`.

    Raises:
        DataError: A value is not in the set, or no octave is named.

    >>> len(selectable_melodies("C", (4,), "major"))
    7056
    """
    if not octaves:
        raise DataError(
            f"no octave is named; choose some of {', '.join(map(str, factors.OCTAVES))}.", argument="octaves"
        )
    tonic_index, scale_index = factors.factor_index("tonic", tonic), factors.factor_index("scale", scale)
    octave_indices = sorted({factors.factor_index("octave", octave) for octave in octaves})
    rows = np.arange(factors.N_MELODIES).reshape(factors.SHAPE)
    starts = [index for index, onsets in enumerate(factors.RHYTHMS) if 0 in onsets]
    ends = [index for index, onsets in enumerate(factors.RHYTHMS) if factors.TICKS_PER_BAR - 1 in onsets]
    return rows[tonic_index, octave_indices, scale_index][:, starts][:, :, ends].ravel()


@dataclass(frozen=True)
class RenderedMelodies(ClipSource):
    """Melodies drawn at random, each rendered by FluidSynth on an instrument.

    Melodies are drawn without repetition, and the instruments take turns, so that each plays equally many. A set larger
    than the number of melodies repeats them on the instruments they have not been played on.

    Args:
        tonic: Tonic of all melodies.
        octaves: Octaves of the melodies, different ones; more than one makes the octave a second global factor.
        scale: Scale of all melodies.
        instruments: General MIDI names (`general_midi.INSTRUMENTS`).
        size: Number of clips.
        seed: Seed of the draw.
        sample_rate: Sample rate, in Hz.
        soundfont: A soundfont of one's own, or None for the system's.

    Raises:
        DataError: A value that does not exist, or more clips than there are melodies and instruments.
    """

    tonic: str
    octaves: tuple[int, ...]
    scale: str
    instruments: tuple[str, ...]
    size: int
    seed: int
    sample_rate: int
    soundfont: Path | None = None
    name = "dmelodies"

    def __post_init__(self) -> None:
        n_melodies = len(selectable_melodies(self.tonic, self.octaves, self.scale))
        if len(set(self.octaves)) < len(self.octaves):
            raise DataError(f"octaves is {list(self.octaves)}; name one or more, each once.", argument="octaves")
        if not self.instruments or len(set(self.instruments)) < len(self.instruments):
            raise DataError(
                f"instruments is {list(self.instruments)}; name one or more, each once.", argument="instruments"
            )
        for instrument in self.instruments:
            general_midi.program(instrument)
        most = n_melodies * len(self.instruments)
        if not 1 <= self.size <= most:
            raise DataError(
                f"size is {self.size}; {n_melodies} melodies on {len(self.instruments)} instrument(s) give 1 to {most} "
                "clips. Change size, or add octaves or instruments.",
                argument="size",
            )

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return CLIP_SECONDS * self.sample_rate

    def __len__(self) -> int:
        return self.size

    def key(self) -> dict[str, Any]:
        melodies, instruments = self._draw
        return {
            "melodies": melodies.tolist(),
            "programs": [general_midi.program(self.instruments[instrument]) for instrument in instruments],
            "instruments": list(self.instruments),
            "octaves": list(self.octaves),
            "sample_rate": self.sample_rate,
            "seconds": CLIP_SECONDS,
            **fluidsynth.synthesis_key(fluidsynth.find_soundfont(self.soundfont)),
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        melodies, instruments = self._draw
        return self._rendered(melodies[index], self.instruments[instruments[index]])

    makes_true_swaps = True

    def true_swap(self, index: int, classes: Mapping[str, str]) -> NDArray[np.float32]:
        """The melody on another instrument, or with other values of some of its factors, such as the octave."""
        values = self._factors[index].copy()
        for factor, name in classes.items():
            if factor != "instrument":
                values[list(factors.FACTORS).index(factor)] = factors.value_names(factor).index(name)
        own = self.instruments[self._draw[1][index]]
        melody = np.ravel_multi_index(tuple(values), factors.SHAPE)
        return self._rendered(melody, classes.get("instrument", own))

    def melodies(self, indices: NDArray[np.integer]) -> NDArray[np.floating]:
        pitches = factors.melody_pitches(self._draw[0][indices])
        return np.where(pitches < 0, np.nan, pitches)

    def _rendered(self, melody: np.integer, instrument: str) -> NDArray[np.float32]:
        return fluidsynth.render(
            factors.melody_pitches(np.array([melody]))[0],
            general_midi.program(instrument),
            soundfont=fluidsynth.find_soundfont(self.soundfont),
            sample_rate=self.sample_rate,
            n_samples=self.n_samples,
        )

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """The instrument, the octave, and each of the other factors that has two or more values in the set."""
        names = {"instrument": self.instruments, "octave": tuple(map(str, self.octaves))}
        for column, name in enumerate(factors.FACTORS):
            there = np.unique(self._factors[:, column])
            if name != "octave" and len(there) > 1:
                values = factors.value_names(name)
                names[name] = tuple(values[value] for value in there)
        return names

    def labels(self) -> dict[str, NDArray[np.integer]]:
        labels: dict[str, NDArray[np.integer]] = {"instrument": self._draw[1]}
        for name, classes in self.class_names.items():
            if name != "instrument":
                values = np.array(factors.value_names(name))[self._factors[:, list(factors.FACTORS).index(name)]]
                labels[name] = (values[:, None] == np.array(classes)).argmax(axis=1)
        return labels

    def groups(self) -> NDArray[np.integer]:
        """Clips with the same local factors are one melody, in whatever tonic, octave and scale."""
        n_global = len(factors.GLOBAL_FACTORS)
        return np.ravel_multi_index(tuple(self._factors[:, n_global:].T), factors.SHAPE[n_global:])

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The draw is random already, so the split takes the clips in its order."""
        return split_by_group(self.groups(), validation_fraction).astype(int)

    @property
    def _factors(self) -> NDArray[np.int64]:
        """The value of each factor of each clip, shape (size, 9)."""
        return np.stack(np.unravel_index(self._draw[0], factors.SHAPE), axis=1).astype(np.int64)

    @functools.cached_property
    def _draw(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The melody and the instrument of each clip, shape (size,) each."""
        candidates = selectable_melodies(self.tonic, self.octaves, self.scale)
        drawn = np.random.default_rng(self.seed).permutation(candidates)
        clip = np.arange(self.size)
        turn, position = np.divmod(clip, len(drawn))
        return drawn[position], (position + turn) % len(self.instruments)
