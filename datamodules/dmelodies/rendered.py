"""The audio set of Luo et al. (2022), section 5.1: melodies of one tonic and scale, rendered on several instruments."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips import split_by_group
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
        raise DataError(f"no octave is named; choose some of {', '.join(map(str, factors.OCTAVES))} (data.octaves).")
    tonic_index, scale_index = factors.factor_index("tonic", tonic), factors.factor_index("scale", scale)
    octave_indices = sorted({factors.factor_index("octave", octave) for octave in octaves})
    rows = np.arange(factors.N_MELODIES).reshape(factors.SHAPE)
    starts = [index for index, onsets in enumerate(factors.RHYTHMS) if 0 in onsets]
    ends = [index for index, onsets in enumerate(factors.RHYTHMS) if factors.TICKS_PER_BAR - 1 in onsets]
    return rows[tonic_index, octave_indices, scale_index][:, starts][:, :, ends].ravel()


@dataclass(frozen=True)
class RenderedMelodies:
    """Melodies drawn at random, each rendered by FluidSynth on an instrument (a `ClipSource`).

    Melodies are drawn without repetition, and the instruments take turns, so that each plays equally many. A set larger
    than the number of melodies repeats them on the instruments they have not been played on.

    Args:
        tonic: Of all melodies.
        octaves: Of the melodies, different ones; more than one makes the octave a second global factor.
        scale: Of all melodies.
        instruments: General MIDI names (`general_midi.INSTRUMENTS`).
        size: Number of clips.
        seed: Of the draw.
        sample_rate: In Hz.
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
            raise DataError(f"octaves must be one or more different numbers; got {list(self.octaves)}.")
        if not self.instruments or len(set(self.instruments)) < len(self.instruments):
            raise DataError(f"instruments must be one or more different names; got {list(self.instruments)}.")
        for instrument in self.instruments:
            general_midi.program(instrument)
        most = n_melodies * len(self.instruments)
        if not 1 <= self.size <= most:
            raise DataError(
                f"size is {self.size}; {n_melodies} melodies on {len(self.instruments)} instrument(s) give 1 to {most} "
                "clips. Change data.size, or add octaves or instruments."
            )

    @property
    def n_samples(self) -> int:
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
        return fluidsynth.render(
            factors.melody_pitches(melodies[index : index + 1])[0],
            general_midi.program(self.instruments[instruments[index]]),
            soundfont=fluidsynth.find_soundfont(self.soundfont),
            sample_rate=self.sample_rate,
            n_samples=self.n_samples,
        )

    def attributes(self) -> Mapping[str, NDArray[np.integer]]:
        """Returns the instrument, the octave, the nine factors and the melody of each clip.

        Instrument and octave are positions in `instruments` and `octaves`. Clips with the same local factors count as
        one melody, in whatever octave.
        """
        rows, instruments = self._draw
        values = np.stack(np.unravel_index(rows, factors.SHAPE), axis=1).astype(np.int64)
        n_global = len(factors.GLOBAL_FACTORS)
        melody = np.ravel_multi_index(tuple(values[:, n_global:].T), factors.SHAPE[n_global:])
        octave_values = values[:, list(factors.FACTORS).index("octave")]
        octave = np.array([self.octaves.index(factors.OCTAVES[value]) for value in octave_values])
        return {"instrument": instruments, "octave": octave, "factors": values, "melody": melody}

    def split(self, validation_fraction: float) -> NDArray[np.bool_]:
        """Returns which clips are for validation; all clips of a melody stay on one side."""
        return split_by_group(self.attributes()["melody"], validation_fraction)

    @functools.cached_property
    def _draw(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The melody and the instrument of each clip, shape (size,) each."""
        candidates = selectable_melodies(self.tonic, self.octaves, self.scale)
        drawn = np.random.default_rng(self.seed).permutation(candidates)
        clip = np.arange(self.size)
        turn, position = np.divmod(clip, len(drawn))
        return drawn[position], (position + turn) % len(self.instruments)
