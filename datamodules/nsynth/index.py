"""The index of an NSynth split: what is known of each note, without its audio."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DataError, first_of
from datamodules.storage.audio_files import is_audio_file

FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal")
"""The families, in the order of NSynth's ``instrument_family`` (Engel et al. 2017, release notes)."""
SOURCES = ("acoustic", "electronic", "synthetic")
"""The sources, in the order of NSynth's ``instrument_source``."""
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class NoteFilter:
    """Which notes to take; None takes all.

    Attributes:
        families: Some of `FAMILIES`.
        sources: Some of `SOURCES`.
        pitches: The lowest and the highest MIDI note, both included.
        velocities: MIDI velocities.

    Raises:
        DataError: A family or source that there is not.
    """

    families: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    pitches: tuple[int, int] | None = None
    velocities: Sequence[int] | None = None

    def __post_init__(self) -> None:
        for argument, wanted, known in (("families", self.families, FAMILIES), ("sources", self.sources, SOURCES)):
            for name in wanted or ():
                if name not in known:
                    raise DataError(f"{argument} has '{name}'; choose from {', '.join(known)}.", argument=argument)

    def mask(self, index: "NSynthIndex") -> NDArray[np.bool_]:
        """Returns which notes of an index it takes."""
        taken = np.ones(len(index), bool)
        if self.families is not None:
            taken &= np.isin(index.family, [FAMILIES.index(name) for name in self.families])
        if self.sources is not None:
            taken &= np.isin(index.source, [SOURCES.index(name) for name in self.sources])
        if self.pitches is not None:
            low, high = self.pitches
            taken &= (low <= index.pitch) & (index.pitch <= high)
        if self.velocities is not None:
            taken &= np.isin(index.velocity, self.velocities)
        return taken


@dataclass(frozen=True)
class NSynthIndex:
    """The notes of a split, sorted by name; about 60 bytes each.

    Attributes:
        folder: The split's folder, with ``examples.json`` and ``audio/``.
        names: Names such as ``bass_electronic_018-031-100``, bytes of shape (n,).
        endings: Endings of the files' names, ``.wav`` in any letter case, bytes of shape (n,).
        family: Position in `FAMILIES`, shape (n,).
        source: Position in `SOURCES`, shape (n,).
        pitch: MIDI note, shape (n,).
        velocity: MIDI velocity, shape (n,).
    """

    folder: Path
    names: NDArray[np.bytes_]
    endings: NDArray[np.bytes_]
    family: NDArray[np.int8]
    source: NDArray[np.int8]
    pitch: NDArray[np.int16]
    velocity: NDArray[np.int16]

    @classmethod
    def read(cls, folder: Path) -> "NSynthIndex":
        """Reads ``examples.json``. Entries may lack any field that the note's name has too.

        Raises:
            DataError: No such folder or file, one that is not NSynth's, or names of notes that have no file.
        """
        path = folder / "examples.json"
        notes = _notes(path)
        names = sorted(notes)
        endings = _endings(folder, names)
        columns = np.array([notes[name] for name in names], np.int16).reshape(-1, 4).T
        return cls(folder, np.array([name.encode() for name in names]), np.array(endings, np.bytes_), *columns)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: NDArray[Any]) -> "NSynthIndex":
        """Returns the index of some of the notes."""
        columns = (self.names, self.endings, self.family, self.source, self.pitch, self.velocity)
        return NSynthIndex(self.folder, *(column[rows] for column in columns))

    def name(self, row: int) -> str:
        """Returns a note's name."""
        return bytes(self.names[row]).decode()

    def path(self, row: int) -> Path:
        """Returns a note's WAV file."""
        return self.folder / "audio" / f"{self.name(row)}{bytes(self.endings[row]).decode()}"


def _notes(path: Path) -> Mapping[str, tuple[int, int, int, int]]:
    """Family, source, pitch and velocity by name; each entry is reduced while the file is parsed, which is large."""
    try:
        with path.open(encoding="utf-8") as file:
            entries = json.load(file, object_pairs_hook=_reduced)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"no {path}: {path.parent} is not a split of NSynth as it is unpacked. Set root to the "
            "folder that holds nsynth-train, nsynth-valid and nsynth-test, or leave it out to render notes.",
            argument="root",
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); it should be NSynth's list of notes.") from error
    except (ValueError, RecursionError) as error:  # no JSON, no text, nested too deep
        raise DataError(f"{path} cannot be read as JSON ({error}); unpack NSynth again.") from error
    if not isinstance(entries, dict) or not entries:
        raise DataError(f"{path} does not list notes by name, as NSynth's does; unpack NSynth again.")
    return {name: _described(name, entry, path) for name, entry in entries.items()}


_FIELDS = ("instrument_family", "instrument_source", "pitch", "velocity")


def _reduced(pairs: Iterable[tuple[str, Any]]) -> Any:
    entry = dict(pairs)
    if any(isinstance(value, tuple) for value in entry.values()):
        return entry  # the whole file: notes by name, reduced before
    return tuple(entry.get(field) for field in _FIELDS)


def _described(name: str, entry: Any, path: Path) -> tuple[int, int, int, int]:
    """Fills what an entry lacks from the note's name, ``<family>_<source>_<instrument>-<pitch>-<velocity>``."""
    try:
        name.encode()  # JSON can spell characters that no file's name can have
        instrument, pitch, velocity = name.rsplit("-", 2)
        family, source, _ = instrument.rsplit("_", 2)
        from_name = (FAMILIES.index(family), SOURCES.index(source), int(pitch), int(velocity))
        given = entry if isinstance(entry, tuple) else (None,) * 4
        family_, source_, pitch_, velocity_ = (
            own if value is None else int(value) for own, value in zip(from_name, given, strict=True)
        )
        if not (0 <= family_ < len(FAMILIES) and 0 <= source_ < len(SOURCES) and 0 <= pitch_ < 128 > velocity_ >= 0):
            raise ValueError(f"family {family_}, source {source_}, pitch {pitch_} and velocity {velocity_}")
    except (OverflowError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} has the note '{name}', which is not named or described as NSynth's notes are ({error}); expected "
            "like bass_electronic_018-031-100."
        ) from error
    return family_, source_, pitch_, velocity_


def _endings(folder: Path, names: Sequence[str]) -> list[str]:
    """The ending of each note's file; every note must have one."""
    audio = folder / "audio"
    files = audio.iterdir() if audio.is_dir() else ()
    there = {file.stem: file.suffix for file in files if is_audio_file(file.name)}
    missing = [name for name in names if name not in there]
    if missing:
        shown = first_of([f"{name}.wav" for name in missing], 5)
        raise DataError(
            f"{folder / 'examples.json'} names {len(missing)} of {len(names)} notes that are not in {audio}: {shown}. "
            "Unpack NSynth again, or take their entries out."
        )
    return [there[name] for name in names]
