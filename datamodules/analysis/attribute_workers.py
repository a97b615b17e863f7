"""Worker processes that compute attributes of clips, a chunk at a time."""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import threadpoolctl
from numpy.typing import NDArray

from datamodules.errors import DataError
from datamodules.storage import worker_pool

Compute = Callable[[NDArray, int], Mapping[str, float]]
Read = Callable[[Any], tuple[NDArray, int]]

# Some seconds of work: little is lost where it is interrupted, and the parts on disk stay few.
_CHUNK = 64


@dataclass(frozen=True)
class Row:
    """The attributes of one clip.

    Attributes:
        name: Name of the clip.
        values: The attributes; None where the clip has none.
        problem: Why it has none, or None.
        lasting: Whether it would come out the same another time: not so where the file could not be read.
    """

    name: str
    values: Mapping[str, float] | None = None
    problem: str | None = None
    lasting: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Returns the row with one entry for each column."""
        return {"name": self.name, **(self.values or {}), "problem": self.problem}


def computed(
    clips: Sequence[tuple[str, Any]],
    read: Read,
    compute: Compute,
    columns: Sequence[str],
    n_workers: int,
    table: Path,
) -> Generator[list[Row], None, None]:
    """Yields the attributes of clips in chunks, as they are finished, under a progress bar.

    Args:
        clips: The name of each clip, and what ``read`` takes.
        read: Returns the samples of a clip and their rate.
        compute: Returns the attributes for samples and their rate; importable by its name.
        columns: Names of the attributes.
        n_workers: Processes, with one thread each.
        table: The file that the attributes are kept in, for the message of an error.

    Raises:
        DataError: A process ended abruptly; raised after all that is finished has been yielded.
    """
    chunks = [clips[start : start + _CHUNK] for start in range(0, len(clips), _CHUNK)]
    return worker_pool.computed(
        _rows,
        [(chunk, read, compute, tuple(columns)) for chunk in chunks],
        n_workers,
        title=f"Computing {', '.join(columns)}",
        table=table,
        sizes=[len(chunk) for chunk in chunks],
        modules=(compute.__module__,),
    )


def read_file(path: Path) -> tuple[NDArray, int]:
    """Reads an audio file: its samples, (n_samples,) or (n_samples, n_channels), and their rate in Hz.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return soundfile.read(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _rows(clips: Sequence[tuple[str, Any]], read: Read, compute: Compute, columns: tuple[str, ...]) -> list[Row]:
    with threadpoolctl.threadpool_limits(1):
        return [_row(name, clip, read, compute, columns) for name, clip in clips]


def _row(name: str, clip: Any, read: Read, compute: Compute, columns: tuple[str, ...]) -> Row:
    try:
        audio, rate = read(clip)
    except DataError as error:
        return Row(name, problem=str(error), lasting=False)
    try:
        attributes = compute(audio, rate)
        values = {column: float(attributes[column]) for column in columns}
    except DataError as error:
        return Row(name, problem=str(error))
    except Exception as error:  # one clip must not stop the others
        return Row(name, problem=f"{type(error).__name__}: {error}", lasting=False)
    bad = [f"{column} is {value}" for column, value in values.items() if not math.isfinite(value)]
    return Row(name, problem=", ".join(bad)) if bad else Row(name, values)
