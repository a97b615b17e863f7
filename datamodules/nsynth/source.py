"""The notes of NSynth as a source of clips: of the release, or rendered in its layout."""

import functools
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray

from datamodules.clips.source import ClipSource, Part
from datamodules.errors import DataError, first_of
from datamodules.nsynth.index import FAMILIES, SOURCES, NoteFilter, NSynthIndex
from datamodules.nsynth.notes import NoteFormat, check_note, read_note
from datamodules.nsynth.rendered import RenderedNotes, render_nsynth
from datamodules.storage.cache import cached
from datamodules.synthesis import fluidsynth

_MIDI_NUMBERS = tuple(map(str, range(128)))


@dataclass(frozen=True)
class NSynthSource(ClipSource):
    """The notes of all splits that a filter takes: ``nsynth-train``, then ``nsynth-valid`` and ``nsynth-test``.

    Args:
        root: The folder with the splits; None renders notes with FluidSynth.
        wanted: The notes to take.
        form: Sample rate and length of the notes.
        rendered: The notes to render where ``root`` is None.
        soundfont: A soundfont of one's own to render with.
        n_workers: Worker processes that render.
        cache_dir: Folder of the cache, for rendered notes.
    """

    root: Path | None
    wanted: NoteFilter
    form: NoteFormat
    rendered: RenderedNotes
    soundfont: Path | None
    n_workers: int
    cache_dir: Path
    name = "nsynth"
    reads_files = True

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        return self.form.sample_rate

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return self.form.n_samples

    def prepare(self) -> None:
        """Renders notes if need be, and checks all files by their headers, before the first epoch and not in it."""
        paths = [index.path(row) for index in self._indices.values() for row in range(len(index))]
        with ThreadPoolExecutor(8) as threads:
            problems = [problem for problem in threads.map(partial(check_note, form=self.form), paths) if problem]
        if problems:
            raise DataError(f"{first_of(problems, separator='; ')}. Unpack NSynth again, or take these notes out.")

    def __len__(self) -> int:
        return sum(map(len, self._indices.values()))

    def key(self) -> dict[str, Any]:
        return {
            "folder": str(self._folder.resolve()),
            "notes_sha256": hashlib.sha256(repr((self._names, self._states)).encode()).hexdigest(),
            "sample_rate": self.sample_rate,
            "n_samples": self.n_samples,
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        return self.audio_maker(index)()

    def audio_maker(self, index: int) -> Callable[[], NDArray[np.float32]]:
        return partial(read_note, self._path(index), self.form)

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """Family, source, instrument, pitch and velocity; the last two have all MIDI numbers."""
        return {
            "family": FAMILIES,
            "source": SOURCES,
            "instrument": self._instruments,
            "pitch": _MIDI_NUMBERS,
            "velocity": _MIDI_NUMBERS,
        }

    def labels(self) -> dict[str, NDArray[np.integer]]:
        columns = ("family", "source", "pitch", "velocity")
        numbers = {name: number for number, name in enumerate(self._instruments)}
        instrument = np.array([numbers[_instrument(name)] for name in self._names])
        return {name: self._column(name) for name in columns} | {"instrument": instrument}

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return ("pitch", "velocity")

    def attributes(self) -> dict[str, NDArray[np.floating]]:
        return {name: self._column(name).astype(np.float32) for name in self.attribute_names}

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The release's own splits; no instrument is in two of them."""
        return np.concatenate([np.full(len(index), part) for part, index in self._indices.items()])

    def attribute_folders(self) -> dict[Path, NDArray[np.integer]]:
        """A table in each split's folder."""
        ends = np.cumsum([len(index) for index in self._indices.values()])
        return {
            index.folder: np.arange(end - len(index), end)
            for index, end in zip(self._indices.values(), ends, strict=True)
        }

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        return [self._names[index] for index in indices.tolist()]

    def clip_states(self, indices: NDArray[np.integer]) -> list[str]:
        return [self._states[index] for index in indices.tolist()]

    @functools.cached_property
    def _folder(self) -> Path:
        """The folder with the splits, rendered if need be."""
        if self.root is not None:
            return self.root
        soundfont = fluidsynth.find_soundfont(self.soundfont)

        def build(folder: Path) -> None:
            left_out = render_nsynth(folder, self.rendered, self.form, soundfont, self.n_workers)
            if left_out:
                rank_zero_warn(
                    f"{len(left_out)} notes are out of their instruments' ranges and left out: {first_of(left_out)}."
                )

        n_notes = sum(map(len, self.rendered.notes().values()))
        key = self.rendered.key(self.form, soundfont)
        return cached(self.cache_dir, "nsynth-rendered", key, build, n_notes * 2 * self.n_samples)

    @functools.cached_property
    def _indices(self) -> dict[Part, NSynthIndex]:
        """The notes of each split that there is."""
        folders = zip(Part, ("train", "valid", "test"), strict=True)
        paths = {part: self._folder / f"nsynth-{split}" for part, split in folders}
        return {part: self._taken(path) for part, path in paths.items() if part != Part.TEST or path.is_dir()}

    def _taken(self, folder: Path) -> NSynthIndex:
        whole = NSynthIndex.read(folder)
        rows = np.flatnonzero(self.wanted.mask(whole))
        if not len(rows):
            raise DataError(
                f"none of the {len(whole)} notes in {folder} is of {self.wanted}; widen families, sources, "
                "pitches or velocities."
            )
        return whole[rows]

    @functools.cached_property
    def _instruments(self) -> tuple[str, ...]:
        """Names of the instruments; of notes to be rendered these are known before."""
        if self.root is None:
            return tuple(sorted({note.instrument_name for notes in self.rendered.notes().values() for note in notes}))
        return tuple(sorted(set(map(_instrument, self._names))))

    @functools.cached_property
    def _names(self) -> list[str]:
        return [index.name(row) for index in self._indices.values() for row in range(len(index))]

    @functools.cached_property
    def _states(self) -> list[str]:
        """Size and time of modification of each file."""
        stats = (index.path(row).stat() for index in self._indices.values() for row in range(len(index)))
        return [f"{stat.st_size} bytes of {stat.st_mtime_ns}" for stat in stats]

    def _path(self, index: int) -> Path:
        for notes in self._indices.values():
            if index < len(notes):
                return notes.path(index)
            index -= len(notes)
        raise IndexError(index)

    def _column(self, name: str) -> NDArray[np.integer]:
        return np.concatenate([getattr(index, name) for index in self._indices.values()]).astype(np.int64)


def _instrument(note: str) -> str:
    return note.rsplit("-", 2)[0]
