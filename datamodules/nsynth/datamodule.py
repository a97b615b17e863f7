"""NSynth as a LightningDataModule."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules.analysis import timbral
from datamodules.analysis.attribute_table import AttributeModel, attribute_table
from datamodules.clip_loaders import ClipLoaders
from datamodules.errors import DataError
from datamodules.nsynth.index import NoteFilter, NSynthIndex
from datamodules.nsynth.notes import NSynthNotes, check_note
from datamodules.nsynth.rendered import RenderedNotes, render_nsynth
from datamodules.storage.cache import DEFAULT_CACHE_DIR, cached
from datamodules.storage.worker_pool import usable_cores
from datamodules.synthesis import fluidsynth
from modules.audio.log_magnitude import LogMagnitude, LogMagnitudeSpec

TIMBRAL = AttributeModel(
    "timbral", timbral.VERSION, ("brightness", "depth"), timbral.timbral_attributes, timbral.RESOLUTION
)
"""Attributes of the audio, computed once and kept beside it."""
SYMBOLIC = ("pitch", "velocity")
"""Attributes of the index."""

_NAMED = 3


class NSynthDataModule(ClipLoaders):
    """Notes of NSynth with their attributes, from the release as it is unpacked or rendered in its layout.

    Batches have ``audio`` (batch, n_samples), ``log_magnitude`` (batch, 1, size, size), which is computed on the device
    that the batch was brought to, ``attributes`` (batch, M), ``index``, and ``family``, ``source``, ``pitch`` and
    ``velocity``. In memory are the index (about 60 bytes a note) and the attributes.

    Args:
        root: The folder with ``nsynth-train``, ``nsynth-valid`` and, for testing, ``nsynth-test``; where that is
            missing, tests take the validation notes. None renders notes with FluidSynth.
        attributes: Some of brightness, depth (AudioCommons timbral models), pitch and velocity. Notes without a value,
            such as silence, are left out, and named.
        families: To take, like ``[bass, string]``; None takes all.
        sources: To take, some of acoustic, electronic and synthetic; None takes all.
        pitches: The lowest and the highest MIDI note to take; None takes all.
        velocities: To take; None takes all.
        spectrogram: The spectrogram's settings.
        rendered: Which notes to render where ``root`` is None.
        soundfont: A soundfont of one's own to render with.
        batch_size: Notes a batch (on each device).
        num_workers: Processes that read and decode notes.
        prepare_workers: Processes that render notes and compute attributes; None takes one for each CPU core.
        seed: Of the order of training notes.
        cache_dir: Where rendered notes are kept, and the table of attributes if ``root`` is read-only.

    Raises:
        DataError: An option that names nothing, or nothing usable.
    """

    train_dataset: NSynthNotes
    validation_dataset: NSynthNotes
    test_dataset: NSynthNotes

    def __init__(
        self,
        root: Path | None = None,
        attributes: tuple[str, ...] = TIMBRAL.columns,
        families: tuple[str, ...] | None = None,
        sources: tuple[str, ...] | None = None,
        pitches: tuple[int, int] | None = None,
        velocities: tuple[int, ...] | None = None,
        spectrogram: LogMagnitudeSpec = LogMagnitudeSpec(),  # noqa: B008 (frozen)
        rendered: RenderedNotes = RenderedNotes(),  # noqa: B008 (frozen)
        soundfont: Path | None = None,
        batch_size: int = 32,
        num_workers: int = 0,
        prepare_workers: int | None = None,
        seed: int = 0,
        cache_dir: Path = DEFAULT_CACHE_DIR,
    ) -> None:
        super().__init__(batch_size, num_workers, seed)
        if prepare_workers is not None and prepare_workers < 1:
            raise DataError(f"data.prepare_workers is {prepare_workers}; it must be 1 or more.")
        _check_attributes(attributes)
        self.attributes = tuple(attributes)
        self.spectrogram = spectrogram
        self._root = None if root is None else Path(root).expanduser()
        self._rendered = rendered
        self._soundfont = soundfont
        self._filter = NoteFilter(families, sources, pitches, velocities)
        self._prepare_workers = prepare_workers or usable_cores()
        self._cache_dir = Path(cache_dir).expanduser()
        self._log_magnitude = LogMagnitude(spectrogram)

    def prepare_data(self) -> None:
        """Renders notes if need be, checks all files, and computes the attributes that are not there yet."""
        for folder in self._split_folders().values():
            index, _ = self._index(folder)
            _require_sound_files(index, self.spectrogram)
            self._attribute_values(index)

    def setup(self, stage: str) -> None:
        """Reads the index and the attributes of each split."""
        folders = self._split_folders()
        self.train_dataset = self._notes(folders["train"])
        self.validation_dataset = self._notes(folders["valid"])
        self.test_dataset = self._notes(folders["test"]) if "test" in folders else self.validation_dataset

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the training notes, in an order set by the seed and the epoch alone: a resumed run repeats it.

        A last batch of a single note is left out of the epoch.
        """
        sampler = self._train_sampler()
        # A model normalises batches; a single note left over at the end cannot be.
        return self._loader(self.train_dataset, sampler, drop_last=len(sampler) % self.batch_size == 1)

    def test_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the test notes in order, or the validation notes where the release has no test split."""
        return self._loader(self.test_dataset)

    def on_after_batch_transfer(self, batch: dict[str, Tensor], dataloader_idx: int) -> dict[str, Tensor]:
        """Adds the spectrogram, computed where the batch now lies."""
        return batch | {"log_magnitude": self._log_magnitude.to(batch["audio"].device)(batch["audio"])}

    def _split_folders(self) -> dict[str, Path]:
        """The folder of each split that there is."""
        root = self._rendered_root() if self._root is None else self._root
        folders = {split: root / f"nsynth-{split}" for split in ("train", "valid", "test")}
        return {split: folder for split, folder in folders.items() if split != "test" or folder.is_dir()}

    def _rendered_root(self) -> Path:
        soundfont = fluidsynth.find_soundfont(self._soundfont)

        def build(folder: Path) -> None:
            left_out = render_nsynth(folder, self._rendered, self.spectrogram, soundfont, self._prepare_workers)
            _warn("are out of their instruments' ranges and left out", left_out)

        n_notes = sum(map(len, self._rendered.notes().values()))
        key = self._rendered.key(self.spectrogram, soundfont)
        return cached(self._cache_dir, "nsynth-rendered", key, build, n_notes * 2 * self.spectrogram.n_samples)

    def _index(self, folder: Path) -> tuple[NSynthIndex, NDArray[np.integer]]:
        """The notes that the filter takes, and their rows in the split's whole index."""
        whole = NSynthIndex.read(folder)
        rows = np.flatnonzero(self._filter.mask(whole))
        if not len(rows):
            raise DataError(
                f"none of the {len(whole)} notes in {folder} is of {self._filter}; widen data.families, data.sources, "
                "data.pitches or data.velocities."
            )
        return whole[rows], rows

    def _notes(self, folder: Path) -> NSynthNotes:
        index, rows = self._index(folder)
        values = self._attribute_values(index)
        known = np.flatnonzero(np.isfinite(values).all(axis=1))
        unknown = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if not len(known):
            raise DataError(f"none of the notes in {folder} has a value of {', '.join(self.attributes)}.")
        _warn(
            f"of {folder} are left out, for lack of {' or '.join(self.attributes)} (the reasons are in its table)",
            [index.name(row) for row in unknown.tolist()],
        )
        return NSynthNotes(index[known], rows[known], values[known], self.spectrogram)

    def _attribute_values(self, index: NSynthIndex) -> NDArray[np.float32]:
        """Of each note, shape (n, M); NaN where there is none."""
        columns = {name: getattr(index, name).astype(np.float32) for name in SYMBOLIC}
        if set(self.attributes) & set(TIMBRAL.columns):
            clips = {index.name(row): index.path(row) for row in range(len(index))}
            table = attribute_table(
                clips, TIMBRAL, index.folder, cache_dir=self._cache_dir, n_workers=self._prepare_workers
            )
            for name in TIMBRAL.columns:
                columns[name] = pc.fill_null(table[name], np.nan).to_numpy().astype(np.float32)
        return np.stack([columns[name] for name in self.attributes], axis=1)


def _check_attributes(attributes: Sequence[str]) -> None:
    known = (*TIMBRAL.columns, *SYMBOLIC)
    for name in attributes:
        if name not in known:
            raise DataError(f"data.attributes has '{name}'; choose from {', '.join(known)}.")
    if not attributes or len(set(attributes)) < len(attributes):
        raise DataError(f"data.attributes is {list(attributes)}; name one or more, each once.")


def _require_sound_files(index: NSynthIndex, spec: LogMagnitudeSpec) -> None:
    """Reads the header of every note, so that a broken file is known before the first epoch and not in its midst."""
    paths = [index.path(row) for row in range(len(index))]
    with ThreadPoolExecutor(8) as threads:
        problems = [problem for problem in threads.map(partial(check_note, spec=spec), paths) if problem]
    if problems:
        more = f" (and {len(problems) - _NAMED} more)" if len(problems) > _NAMED else ""
        raise DataError(f"{'; '.join(problems[:_NAMED])}{more}. Unpack NSynth again, or take these notes out.")


def _warn(what: str, notes: Sequence[str]) -> None:
    if notes:
        more = f", and {len(notes) - _NAMED} more" if len(notes) > _NAMED else ""
        rank_zero_warn(f"{len(notes)} notes {what}: {', '.join(notes[:_NAMED])}{more}.")
