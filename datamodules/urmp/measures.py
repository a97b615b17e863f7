"""What is measured of each stem before it is cut: CREPE's confidence, frame by frame, and the peak.

CREPE takes hours on the stems of two instruments, so it is computed in parallel, a span of four seconds at a time, and
each span is kept in a table as soon as it is finished: an interruption loses seconds.
"""

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from datamodules.storage import worker_pool
from datamodules.storage.growing_table import KEY, GrowingTable
from datamodules.urmp.stems import Stem
from modules.audio import crepe_confidence, resample
from modules.audio.crepe import SAMPLE_RATE, WINDOW, Capacity
from modules.audio.crepe_confidence import HOP_LENGTH

_SPAN = 4 * SAMPLE_RATE // HOP_LENGTH
_SCHEMA = pa.schema([(KEY, pa.string()), ("confidence", pa.list_(pa.float32())), ("peak", pa.float64())])


@dataclass(frozen=True)
class Measures:
    """What is measured of a stem.

    Attributes:
        confidence: CREPE's confidence of each frame, shape (n_frames,); frames are centred on multiples of 10 ms.
        peak: Largest absolute sample, at CREPE's sample rate.
    """

    confidence: NDArray[np.float32]
    peak: float


def measured(stems: Sequence[Stem], model: Capacity, cache_dir: Path, n_workers: int) -> dict[str, Measures]:
    """Returns the measures of stems by their names, computing those that are not in the table on disk yet.

    The table is a Parquet file in the cache folder, one for each model. Stems are known by their names, sizes and times
    of modification. A computation that is interrupted goes on where it was; one that another process is at is waited
    for.

    Args:
        stems: Stems to measure.
        model: One of `crepe_confidence.MODELS`.
        cache_dir: Folder of the table.
        n_workers: Worker processes, 1 or more. The result does not depend on their number.

    Raises:
        DataError: A stem that cannot be read, a folder that cannot be written, a full disk, a damaged table, or a
            worker process that ended abruptly. What was computed by then is kept.
    """
    table = GrowingTable(
        cache_dir / f"urmp-crepe-{model}-{crepe_confidence.VERSION}-{resample.VERSION}.parquet", _SCHEMA
    )
    spans = {_key(stem, number): (stem, number) for stem in stems for number in range(_n_spans(stem))}

    def compute(missing: list[str]) -> Generator[pa.Table, None, None]:
        rows = worker_pool.computed(
            _row,
            [(key, *spans[key], model) for key in missing],
            n_workers,
            title=f"Hearing URMP's pitches (CREPE {model}), spans of 4 s",
            table=table.file,
        )
        with contextlib.closing(rows):
            for row in rows:
                yield pa.Table.from_pylist([row], _SCHEMA)

    found = table.complete(list(spans), compute)
    ends = accumulate((_n_spans(stem) for stem in stems), initial=0)
    return {stem.name: _joined(found[start:end]) for stem, (start, end) in zip(stems, pairwise(ends), strict=True)}


def _n_frames(stem: Stem) -> int:
    return 1 + stem.recording.length(SAMPLE_RATE) // HOP_LENGTH


def _n_spans(stem: Stem) -> int:
    return -(-_n_frames(stem) // _SPAN)


def _key(stem: Stem, number: int) -> str:
    size, modified = stem.recording.state
    return f"{stem.name}, {size} bytes of {modified}, span {number}"


def _joined(rows: pa.Table) -> Measures:
    confidence = pc.list_flatten(rows["confidence"].combine_chunks()).to_numpy(zero_copy_only=False)
    return Measures(confidence, pc.max(rows["peak"]).as_py())


def _row(key: str, stem: Stem, number: int, model: Capacity) -> dict[str, Any]:
    """Runs in a worker process, on one thread: the same arithmetic whatever their number."""
    torch.set_num_threads(1)
    first = number * _SPAN
    n_frames = min(_SPAN, _n_frames(stem) - first)
    half, start, end = WINDOW // 2, first * HOP_LENGTH, (first + n_frames) * HOP_LENGTH
    audio = stem.recording.audio(SAMPLE_RATE, start - half, end - HOP_LENGTH + half)
    confidence = crepe_confidence.frame_confidence(audio, model, pad=False)
    return {KEY: key, "confidence": confidence, "peak": float(np.abs(audio[half : half + end - start]).max())}
