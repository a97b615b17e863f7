"""Sets of short audio clips: where they come from, their cached log-mels, and the dataset that reads them."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules import _torchaudio
from datamodules.cache import cached
from datamodules.errors import DataError
from datamodules.log_mel import LogMel, LogMelSpec

_NAMED_FAILURES = 5
# Part of every cache key: to be raised with any change to how clips, log-mels or attributes are made.
_RECIPE = 2


class ClipSource(Protocol):
    """A numbered collection of clips of equal length, with what is known of each."""

    @property
    def name(self) -> str:
        """Readable name, the start of the cache entry's."""

    @property
    def n_samples(self) -> int:
        """Length of every clip, in samples."""

    def __len__(self) -> int:
        """The number of clips."""

    def key(self) -> dict[str, Any]:
        """All that determines the audio, as JSON values."""

    def audio(self, index: int) -> NDArray[np.float32]:
        """One clip, shape (n_samples,), in [-1, 1]; raises `DataError` where it cannot be had."""

    def attributes(self) -> Mapping[str, NDArray[np.integer]]:
        """What is known of each clip, by name; each array's first axis is the clip."""


def cached_log_mels(
    source: ClipSource, spec: LogMelSpec, cache_dir: Path, n_workers: int, texts: Mapping[str, str] | None = None
) -> Path:
    """Returns the cache entry with a source's log-mels and attributes, computing it in worker processes if need be.

    One that was made on another processor is the same entry, though its kernels round differently: in bands within
    80 dB of their frame's loudest, log-mels agree within 1e-3 (4e-5 was the most for rendered melodies); weaker ones
    hold as much as float32 leaves of them beside the loudest.

    Args:
        source: The clips.
        spec: The log-mel's settings.
        cache_dir: Folder of all cache entries.
        n_workers: Worker processes, 1 or more. The result does not depend on their number.
        texts: What else to write into the entry, by file name; it follows from the source's key.

    Returns:
        A folder with ``log_mel.npy``, float32 of shape (n_clips, n_frames, n_mels), one ``<attribute>.npy`` for each
        attribute, and the texts.

    Raises:
        DataError: Clips that cannot be had, by name; or a disk that cannot be written.
    """
    key = {
        "recipe": _RECIPE,
        "source": source.key(),
        "log_mel": spec.__dict__,
        "torch": torch.__version__,
        "torchaudio": _torchaudio.version,
    }
    shape = (len(source), spec.n_frames(source.n_samples), spec.n_mels)
    attributes = source.attributes()

    def build(folder: Path) -> None:
        for name, values in attributes.items():
            # Not by np.save to the path: on a full disk that reports no errno, or cuts the file short without a word.
            content = io.BytesIO()
            np.save(content, values)
            (folder / f"{name}.npy").write_bytes(content.getvalue())
        for name, text in (texts or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        _write_log_mels(source, spec, folder / "log_mel.npy", shape, n_workers)

    n_bytes = 4 * int(np.prod(shape)) + sum(values.nbytes for values in attributes.values())
    return cached(cache_dir, source.name, key, build, n_bytes)


class ClipDataModule(Protocol):
    """What evaluation and media ask of a data module of clips."""

    train_dataset: "ClipDataset"
    validation_dataset: "ClipDataset"
    batch_size: int
    class_names: dict[str, tuple[str, ...]]
    """For each attribute that is a class: the names of its values."""
    log_mel: LogMelSpec

    def audio(self, index: int) -> NDArray[np.float32]:
        """The clip of a number (``index`` in batches) as it was recorded or rendered, shape (n_samples,)."""


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Clips of a cache entry, read from disk as they are asked for.

    Each item has ``log_mel`` (n_frames, n_mels), ``index`` (the clip's number in the entry) and the clip's attributes.

    Args:
        entry: Folder made by `cached_log_mels`.
        indices: The clips of this dataset, as numbers in the entry.
    """

    def __init__(self, entry: Path, indices: NDArray[np.integer]) -> None:
        self.indices = np.asarray(indices)
        self._log_mel = np.load(entry / "log_mel.npy", mmap_mode="r")
        self.attributes: dict[str, NDArray[np.integer]] = {
            path.stem: np.load(path)[self.indices] for path in sorted(entry.glob("*.npy")) if path.stem != "log_mel"
        }

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        index = int(self.indices[item])
        clip = {"log_mel": torch.from_numpy(np.array(self._log_mel[index])), "index": torch.tensor(index)}
        return clip | {name: torch.tensor(values[item]) for name, values in self.attributes.items()}


def split_by_group(groups: NDArray[np.integer], validation_fraction: float) -> NDArray[np.bool_]:
    """Splits clips in their order, keeping all clips of a group on one side.

    Args:
        groups: The group of each clip, shape (n,).
        validation_fraction: Wanted share of validation clips, in (0, 1).

    Returns:
        True for validation clips, shape (n,). Groups go to the training side in order of appearance until it has its
        share, so where every clip is a group of its own the shares are exact.

    Raises:
        DataError: One of the sides would be empty.

    >>> split_by_group(np.array([7, 8, 7, 9]), 0.5).tolist()
    [False, True, False, True]
    """
    if not 0 < validation_fraction < 1:
        raise DataError(f"validation_fraction is {validation_fraction}; it must lie between 0 and 1.")
    _, first, inverse, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    clips_before = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    n_train = round(len(groups) * (1 - validation_fraction))
    in_validation = np.empty(len(order), bool)
    in_validation[order] = clips_before >= n_train
    validation = in_validation[inverse]
    if validation.all() or not validation.any():
        raise DataError(
            f"{len(groups)} clips of {len(order)} melodies cannot be split with validation_fraction "
            f"{validation_fraction}: one side would be empty. Ask for a larger set."
        )
    return validation


class _LogMelClips(Dataset[NDArray[np.float32] | str]):
    """Computes a clip's log-mel, or says why there is none: worker processes hand back errors badly."""

    def __init__(self, source: ClipSource, spec: LogMelSpec) -> None:
        self.source = source
        self.log_mel = LogMel(spec)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> NDArray[np.float32] | str:
        try:
            audio = self.source.audio(index)
        except DataError as error:
            return str(error)
        with torch.inference_mode():
            return self.log_mel(torch.from_numpy(audio)).numpy()


def _as_it_is(clip: Any) -> Any:
    # Not as a tensor, which would travel through shared memory, of which containers can have little.
    return clip


def _write_log_mels(
    source: ClipSource, spec: LogMelSpec, path: Path, shape: tuple[int, int, int], n_workers: int
) -> None:
    # At least one worker process, with its single torch thread: the same arithmetic whatever their number.
    loader = DataLoader(
        _LogMelClips(source, spec), batch_size=None, num_workers=max(1, n_workers), collate_fn=_as_it_is
    )
    clips = iter(loader)
    failures: list[str] = []
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for clip in track(clips, f"Preparing {source.name}", total=len(source)):
            if isinstance(clip, str):
                failures.append(clip)
            else:
                file.write(np.ascontiguousarray(clip, "<f4").tobytes())
    if failures:
        reasons = list(dict.fromkeys(failures))
        more = f" (and {len(reasons) - _NAMED_FAILURES} more)" if len(reasons) > _NAMED_FAILURES else ""
        raise DataError("; ".join(reasons[:_NAMED_FAILURES]) + more)
