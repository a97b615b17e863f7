"""The audio set of Luo et al. (2022), section 5.1: melodies of one scale, rendered on several instruments."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from datamodules.clips.held_out import Combination
from datamodules.clips.source import ClipSource
from datamodules.clips.split import check_fraction, split_by_group
from datamodules.dmelodies import factors
from datamodules.dmelodies.draw import Candidates, drawn_by_factors
from datamodules.errors import DataError
from datamodules.synthesis import fluidsynth, general_midi

CLIP_SECONDS = 4


def selectable_melodies(tonic: str | tuple[str, ...], octaves: tuple[int, ...], scale: str) -> NDArray[np.int64]:
    """Returns the indices of the melodies with these global factors that neither start nor end with a rest.

    Args:
        tonic: One of `factors.TONICS`, or some of them.
        octaves: Some of `factors.OCTAVES`.
        scale: One of `factors.SCALES`.

    Raises:
        DataError: A value is not in the set, or no octave or tonic is named.

    >>> len(selectable_melodies("C", (4,), "major"))
    7056
    """
    if not octaves:
        raise DataError(
            f"no octave is named; choose some of {', '.join(map(str, factors.OCTAVES))}.", argument="octaves"
        )
    tonics = (tonic,) if isinstance(tonic, str) else tonic
    if not tonics or len(set(tonics)) < len(tonics):
        raise DataError(f"tonic is {list(tonics)}; name one or more, each once.", argument="tonic")
    tonic_indices = sorted(factors.factor_index("tonic", name) for name in tonics)
    scale_index = factors.factor_index("scale", scale)
    octave_indices = sorted({factors.factor_index("octave", octave) for octave in octaves})
    rows = np.arange(factors.N_MELODIES).reshape(factors.SHAPE)
    starts = [index for index, onsets in enumerate(factors.RHYTHMS) if 0 in onsets]
    ends = [index for index, onsets in enumerate(factors.RHYTHMS) if factors.TICKS_PER_BAR - 1 in onsets]
    return rows[np.ix_(tonic_indices, octave_indices, [scale_index], starts, ends)].ravel()


@dataclass(frozen=True)
class RenderedMelodies(ClipSource):
    """Melodies drawn at random, each rendered by FluidSynth on an instrument.

    Melodies are drawn without repetition, and the instruments take turns, so that each plays equally many. A set larger
    than the number of melodies repeats them on the instruments they have not been played on. Where factors are
    correlated or combinations held out, each instrument plays about equally many, and what does not suit is passed over
    in the same order.

    Attributes are ``pitch``, the mean MIDI note, which follows the octave alone, since every melody has all notes of
    its chords; and ``rest_bar1`` and ``rest_bar2``, the mean tick of the two rests of each bar, from 0.5 to 6.5.

    Args:
        tonic: Tonic of all melodies, or several, which is then one more factor.
        octaves: Octaves of the melodies, different ones; more than one makes the octave a second global factor.
        scale: Scale of all melodies.
        instruments: General MIDI names (`general_midi.INSTRUMENTS`).
        size: Number of clips.
        seed: Seed of the draw.
        sample_rate: Sample rate, in Hz.
        soundfont: A soundfont of one's own, or None for the system's.
        correlation: Two factors that are to go together: some of instrument, octave and the other factors of melodies
            that have several values here.
        held_out: Combinations of their values that no training clip is to have.
        validation_fraction: Share of the clips for validation; the draw has to know it, since what is held out is held
            out of the training clips alone.

    Raises:
        DataError: A value that does not exist, or more clips than there are melodies and instruments.
    """

    tonic: str | tuple[str, ...]
    octaves: tuple[int, ...]
    scale: str
    instruments: tuple[str, ...]
    size: int
    seed: int
    sample_rate: int
    soundfont: Path | None = None
    correlation: Correlation | None = None
    held_out: tuple[Combination, ...] = ()
    validation_fraction: float = 0.2
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
        check_fraction(self.validation_fraction)
        _ = self._draw  # says what cannot be drawn

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return CLIP_SECONDS * self.sample_rate

    def __len__(self) -> int:
        return self.size

    def key(self) -> dict[str, Any]:
        return {
            "melodies": self._draw.melodies.tolist(),
            "programs": [general_midi.program(self.instruments[position]) for position in self._draw.instruments],
            "instruments": list(self.instruments),
            "octaves": list(self.octaves),
            "sample_rate": self.sample_rate,
            "seconds": CLIP_SECONDS,
            **fluidsynth.synthesis_key(fluidsynth.find_soundfont(self.soundfont)),
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        return self._rendered(self._draw.melodies[index], self.instruments[self._draw.instruments[index]])

    makes_true_swaps = True

    def true_swap(self, index: int, classes: Mapping[str, str]) -> NDArray[np.float32]:
        """The melody on another instrument, or with other values of some of its factors, such as the octave."""
        values = self._draw.factors[index].copy()
        for factor, name in classes.items():
            if factor != "instrument":
                values[list(factors.FACTORS).index(factor)] = factors.value_names(factor).index(name)
        own = self.instruments[self._draw.instruments[index]]
        melody = np.ravel_multi_index(tuple(values), factors.SHAPE)
        return self._rendered(melody, classes.get("instrument", own))

    def melodies(self, indices: NDArray[np.integer]) -> NDArray[np.floating]:
        pitches = factors.melody_pitches(self._draw.melodies[indices])
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
        return self._draw.values()

    def labels(self) -> dict[str, NDArray[np.integer]]:
        return self._draw.labels()

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return ("pitch", "rest_bar1", "rest_bar2")

    def attributes(self) -> dict[str, NDArray[np.floating]]:
        pitches = factors.melody_pitches(self._draw.melodies)
        rests = pitches < 0
        tick = np.arange(factors.TICKS_PER_BAR)
        bars = rests.reshape(len(rests), -1, factors.TICKS_PER_BAR)
        rest_bar1, rest_bar2 = ((bars * tick).sum(axis=2) / bars.sum(axis=2)).T
        return {
            "pitch": np.where(rests, 0, pitches).sum(axis=1) / (~rests).sum(axis=1),
            "rest_bar1": rest_bar1,
            "rest_bar2": rest_bar2,
        }

    def groups(self) -> NDArray[np.integer]:
        """Clips with the same local factors are one melody, in whatever tonic, octave and scale."""
        return self._draw.groups

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The draw is random already, so the split takes the clips in its order.

        Where factors were chosen, the draw has made the split, by its own fraction.
        """
        fraction = self.validation_fraction if self._chooses else validation_fraction
        return split_by_group(self.groups(), fraction).astype(int)

    @functools.cached_property
    def _draw(self) -> Candidates:
        """The melody and the instrument of each clip."""
        melodies = selectable_melodies(self.tonic, self.octaves, self.scale)
        candidates = Candidates.shuffled(melodies, self.instruments, self.octaves, self.seed)
        if not self._chooses:
            return candidates[: self.size]
        return drawn_by_factors(
            candidates, self.size, self.validation_fraction, self.correlation, self.held_out, self.seed
        )

    @property
    def _chooses(self) -> bool:
        """Whether clips are passed over for what their factors are."""
        return bool(self.held_out or (self.correlation is not None and self.correlation.strength))
