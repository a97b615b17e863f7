"""What is heard of each file once, before it is cut, and kept in a table in the cache.

Files are read in blocks, so that one of hours takes no more memory than one of seconds.
"""

import contextlib
import hashlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datamodules.errors import DataError
from datamodules.storage import worker_pool
from datamodules.storage.growing_table import KEY, GrowingTable
from datamodules.storage.recording import Recording

VERSION = 1
"""To be raised with any change to what is measured."""

LEVELS_PER_SECOND = 10
"""A level is that of 100 ms."""

HIGH = 4_200.0
"""The frequency in Hz above which the share of the energy is measured: all that there is at a sample rate of 8 kHz lies
below, and so do the images that resampling leaves just above 4 kHz."""

_SECONDS = 10  # a block: a whole number of samples and of levels at any rate
_FFT = 4096
_FULL_SCALE = 32_766 / 32_768
_IN_A_ROW = 3
# Some seconds of work: little is lost where it is interrupted, and the parts on disk stay few.
_CALL_SECONDS, _CALL_FILES = 120.0, 64

_SCHEMA = pa.schema(
    [
        (KEY, pa.string()),
        ("n_samples", pa.int64()),
        ("peak", pa.float64()),
        ("mean", pa.float64()),
        ("levels", pa.list_(pa.float32())),
        ("share_high", pa.float64()),
        ("n_not_finite", pa.int64()),
        ("n_clipped", pa.int64()),
        ("content", pa.string()),
    ]
)


@dataclass(frozen=True)
class Measures:
    """What is heard of a file.

    Attributes:
        n_samples: Number of samples that could be decoded, at the file's own rate.
        peak: Largest absolute sample of the mix to mono.
        mean: Mean sample of the mix: the offset that a poor converter adds.
        levels: Level of each 100 ms of the mix in dB, as a root mean square where 0 dB is a full-scale square wave;
            minus infinity for digital silence.
        share_high: Share of the energy that lies above `HIGH`, in [0, 1].
        n_not_finite: Number of samples that are NaN or infinite.
        n_clipped: Number of samples that stand at full scale, three or more in a row.
        content: SHA-256 of the decoded samples and their rate: the same for equal sound under other names.
    """

    n_samples: int
    peak: float
    mean: float
    levels: NDArray[np.float32] = field(repr=False)
    share_high: float
    n_not_finite: int
    n_clipped: int
    content: str


def measured(recordings: Sequence[Recording], cache_dir: Path, n_workers: int) -> dict[str, Measures | str]:
    """Returns the measures of files by their names, computing those that are not in the table on disk yet.

    The table is a Parquet file in the cache folder. Files are known by their names, sizes and times of modification. A
    computation that is interrupted goes on where it was; one that another process is at is waited for.

    Args:
        recordings: Files to measure.
        cache_dir: Folder of the table.
        n_workers: Worker processes, 1 or more. The result does not depend on their number.

    Returns:
        For each file its measures or, where it cannot be read to its end, why; it is tried again the next time.

    Raises:
        DataError: A folder that cannot be written, a full disk, a damaged table, or a worker process that ended
            abruptly. What was computed by then is kept.
    """
    table = GrowingTable(cache_dir / f"audio-folder-measures-{VERSION}.parquet", _SCHEMA)
    by_key = {_key(one): one for one in recordings}
    problems: dict[str, str] = {}

    def compute(missing: list[str]) -> Generator[pa.Table, None, None]:
        outcomes = _heard([by_key[key] for key in missing], n_workers, table.file)
        with contextlib.closing(outcomes):
            for rows, failed in outcomes:
                problems.update(failed)
                yield pa.Table.from_pylist(rows, _SCHEMA)

    found = table.complete(list(by_key), compute)
    keys = found[KEY].to_pylist()
    found = found.drop_columns([KEY])
    columns: dict[str, Iterable[Any]] = {
        name: found[name].to_pylist() for name in found.column_names if name != "levels"
    }
    columns["levels"] = [levels.values.to_numpy() for levels in found["levels"]]
    measures = [Measures(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    return problems | {by_key[key].name: own for key, own in zip(keys, measures, strict=True)}


def measure(recording: Recording) -> Measures:
    """Listens to a file.

    Raises:
        DataError: It cannot be read to its end.
    """
    totals = _Totals(recording.rate)
    for block in recording.blocks(_SECONDS * recording.rate):
        totals.add(block)
    return totals.measures()


class _Totals:
    """Sums over the blocks of a file."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._n = self._n_not_finite = self._n_clipped = 0
        self._peak = self._sum = self._energy = self._high = 0.0
        self._levels: list[NDArray[np.float32]] = []
        self._content = hashlib.sha256(f"{rate} Hz".encode())
        self._window = np.hanning(_FFT).astype(np.float32)
        self._is_high = np.fft.rfftfreq(_FFT, 1 / rate) > HIGH

    def add(self, block: NDArray[np.float32]) -> None:
        """Takes a block of 10 s, or the last of a file; (n, n_channels)."""
        self._content.update(np.ascontiguousarray(block, "<f4").data)
        finite = np.isfinite(block)
        if not finite.all():
            self._n_not_finite += int((~finite).sum())
            block = np.where(finite, block, 0)
        self._n_clipped += _clipped(np.abs(block) >= _FULL_SCALE)
        mono = block.mean(axis=1)
        self._n += len(mono)
        self._peak = max(self._peak, float(np.abs(mono).max()))
        self._sum += float(mono.sum(dtype=np.float64))
        self._levels.append(self._levels_of(mono))
        self._add_spectrum(mono)

    def measures(self) -> Measures:
        """Returns what all blocks come to."""
        return Measures(
            self._n,
            self._peak,
            self._sum / max(1, self._n),
            np.concatenate([np.empty(0, np.float32), *self._levels]),
            self._high / self._energy if self._energy else 0.0,
            self._n_not_finite,
            self._n_clipped,
            self._content.hexdigest(),
        )

    def _levels_of(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = np.round(np.arange(_SECONDS * LEVELS_PER_SECOND) * self._rate / LEVELS_PER_SECOND).astype(int)
        starts = starts[starts < len(mono)]
        sums = np.add.reduceat(np.square(mono, dtype=np.float64), starts)
        with np.errstate(divide="ignore"):
            return (10 * np.log10(sums / np.diff(starts, append=len(mono)))).astype(np.float32)

    def _add_spectrum(self, mono: NDArray[np.float32]) -> None:
        # A rest of less than a frame would end in a step, whose spectrum is wide.
        whole = mono[: len(mono) // _FFT * _FFT] if len(mono) >= _FFT else np.pad(mono, (0, _FFT - len(mono)))
        frames = whole.reshape(-1, _FFT)
        power = np.square(np.abs(np.fft.rfft(frames * self._window, axis=1)), dtype=np.float64).sum(axis=0)
        self._energy += float(power.sum())
        self._high += float(power[self._is_high].sum())


def _clipped(full: NDArray[np.bool_]) -> int:
    """Counts the samples of each channel that are in a row of at least three; rows that blocks divide may be missed.

    >>> _clipped(np.array([[1, 1, 0, 1, 1, 1, 1]], bool).T)
    4
    """
    if not full.any():
        return 0
    edges = np.diff(np.pad(full, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    starts, ends = (np.argwhere((edges == step).T)[:, 1] for step in (1, -1))
    lengths = ends - starts
    return int(lengths[lengths >= _IN_A_ROW].sum())


def _key(recording: Recording) -> str:
    size, modified = recording.state
    return f"{recording.name}, {size} bytes of {modified}"


def _heard(
    recordings: Sequence[Recording], n_workers: int, table: Path
) -> Generator[tuple[list[dict[str, Any]], dict[str, str]], None, None]:
    """Yields what `_rows` returns for all of the files, call by call."""
    calls = _calls(recordings)
    return worker_pool.computed(
        _rows,
        [(call,) for call in calls],
        n_workers,
        title="Listening to the recordings, seconds",
        table=table,
        sizes=[max(1, round(sum(one.seconds for one in call))) for call in calls],
    )


def _calls(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Divides files into calls of about equal work; the longest first, so that none is left for the end."""
    calls: list[list[Recording]] = []
    seconds = np.inf
    for one in sorted(recordings, key=lambda one: -one.seconds):
        if seconds + one.seconds > _CALL_SECONDS or len(calls[-1]) == _CALL_FILES:
            calls.append([])
            seconds = 0.0
        calls[-1].append(one)
        seconds += one.seconds
    return calls


def _rows(recordings: Sequence[Recording]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Runs in a worker process: the rows of files, and why others have none."""
    rows, problems = [], {}
    for recording in recordings:
        try:
            rows.append({KEY: _key(recording), **asdict(measure(recording))})
        except DataError as error:
            problems[recording.name] = str(error)
    return rows, problems
