"""What is computed of clips once and kept in the cache: their representation, or their audio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from datamodules.clips.source import ClipSource
from datamodules.errors import DataError, first_of
from datamodules.storage.cache import cached, entry_name
from datamodules.storage.worker_pool import guard_worker
from modules.audio import _torchaudio
from modules.audio.representation import Representation

# Part of every cache key: to be raised with any change to how clips or their representations are made.
_RECIPE = 3


def cached_representations(source: ClipSource, representation: Representation, cache_dir: Path, n_workers: int) -> Path:
    """Returns the cache entry with the representations of a source's clips, computing it where it is missing.

    One that was made on another processor is the same entry, though its kernels round differently: in bands within
    80 dB of their frame's loudest, log-mels agree within 1e-3 (4e-5 was the most for rendered melodies); weaker ones
    hold as much as float32 leaves of them beside the loudest.

    Args:
        source: The clips.
        representation: What is computed of each.
        cache_dir: Folder of all cache entries.
        n_workers: Worker processes, 1 or more. The result does not depend on their number.

    Returns:
        A folder with ``x.npy``, float32 of shape (n_clips, *shape), and the source's texts.

    Raises:
        DataError: Clips that cannot be had, by name; or a disk that cannot be written.
    """
    compute = _Represent(source, representation)
    return _entry(source, representation, representation.shape(source.n_samples), compute, cache_dir, n_workers)


def cached_audio(source: ClipSource, cache_dir: Path, n_workers: int) -> Path:
    """Returns the cache entry with the audio of a source's clips, as `cached_representations` does.

    Its file is ``audio.npy``, float32 of shape (n_clips, n_samples).
    """
    return _entry(source, None, (source.n_samples,), source.audio, cache_dir, n_workers)


def cache_key(source: ClipSource, representation: Representation | None) -> str:
    """Returns the name of a cache entry, which tells all that its content depends on.

    Args:
        source: The clips.
        representation: What is computed of each; None for their audio.
    """
    return entry_name(*_key(source, representation))


def _key(source: ClipSource, representation: Representation | None) -> tuple[str, dict[str, Any]]:
    """The readable start of the name of an entry, and all that determines the entry."""
    content, own = "audio", {}
    if representation is not None:
        content = "x"
        own = {
            "representation": representation.settings,
            "torch": torch.__version__,
            "torchaudio": _torchaudio.version,
        }
    return f"{source.name}-{content}", {"recipe": _RECIPE, "source": source.key(), "content": content, **own}


class _Represent:
    """Computes a clip's representation."""

    def __init__(self, source: ClipSource, representation: Representation) -> None:
        self._source, self._representation = source, representation

    def __call__(self, index: int) -> NDArray[np.float32]:
        audio = torch.from_numpy(self._source.audio(index))
        with torch.inference_mode():
            return self._representation(audio[None])[0].numpy()


def _entry(
    source: ClipSource,
    representation: Representation | None,
    shape: tuple[int, ...],
    compute: Callable[[int], NDArray[np.float32]],
    cache_dir: Path,
    n_workers: int,
) -> Path:
    whole_shape = (len(source), *shape)
    texts = source.texts()

    def build(folder: Path) -> None:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        _write(source, compute, folder / f"{key['content']}.npy", whole_shape, n_workers)

    name, key = _key(source, representation)
    return cached(cache_dir, name, key, build, 4 * int(np.prod(whole_shape)))


class _Computed(Dataset[NDArray[np.float32] | str]):
    """Computes something of each clip, or says why there is none: worker processes hand back errors badly."""

    def __init__(
        self, source: ClipSource, compute: Callable[[int], NDArray[np.float32]], shape: tuple[int, ...]
    ) -> None:
        self._source, self._compute, self._shape = source, compute, shape

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> NDArray[np.float32] | str:
        try:
            clip = self._compute(index)
        except DataError as error:
            return str(error)
        if clip.shape != self._shape:
            # Written to the file, it would shift all clips after it.
            (name,) = self._source.clip_names(np.array([index]))
            return f"{name} has the shape {clip.shape}; expected {self._shape}"
        return clip


def _as_it_is(clip: Any) -> Any:
    # Not as a tensor, which would travel through shared memory, of which containers can have little.
    return clip


def _write(
    source: ClipSource,
    compute: Callable[[int], NDArray[np.float32]],
    path: Path,
    shape: tuple[int, ...],
    n_workers: int,
) -> None:
    # At least one worker process, with its single torch thread: the same arithmetic whatever their number.
    loader = DataLoader(
        _Computed(source, compute, shape[1:]),
        batch_size=None,
        num_workers=max(1, n_workers),
        collate_fn=_as_it_is,
        worker_init_fn=guard_worker,
    )
    failures: list[str] = []
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for clip in track(iter(loader), f"Preparing {source.name}", total=len(source)):
            if isinstance(clip, str):
                failures.append(clip)
            else:
                file.write(np.ascontiguousarray(clip, "<f4").tobytes())
    if failures:
        reasons = list(dict.fromkeys(failures))
        raise DataError(first_of(reasons, 5, "; "))
