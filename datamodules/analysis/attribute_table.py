"""Attributes of all clips of a data set, computed once, in parallel, and kept in a table beside the data."""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datamodules.analysis import attribute_workers
from datamodules.analysis.attribute_workers import Read, read_file
from datamodules.errors import DataError, first_of
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.cores import usable_cores
from datamodules.storage.growing_table import KEY, GrowingTable, unique

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttributeModel:
    """What computes attributes of a clip.

    Attributes:
        name: Start of the tables' file names.
        version: Changes whenever values change; tables of other versions are left alone.
        columns: Names of the attributes.
        compute: Returns them for samples of shape (n_samples,) or (n_samples, n_channels) and their rate in Hz. It
            raises `DataError` where a clip has none. Worker processes import it by its name.
        resolution: The difference up to which two values of an attribute are the same, in its units.
    """

    name: str
    version: str
    columns: tuple[str, ...]
    compute: Callable[[NDArray, int], Mapping[str, float]]
    resolution: float = 0.0


def attribute_table(
    clips: Mapping[str, Any],
    model: AttributeModel,
    folder: Path,
    *,
    read: Read = read_file,
    cache_dir: Path = DEFAULT_CACHE_DIR,
    n_workers: int | None = None,
) -> pa.Table:
    """Returns the attributes of clips, computing those that are not in the table on disk yet.

    The table is ``<folder>/<model's name>-<version>.parquet``, or, where that folder cannot be written, a file in
    ``cache_dir``. A computation that is interrupted goes on where it was; one that another process is at is waited for.
    Clips are known by their names alone: let a name tell what it stands for, such as the file's time of modification.

    Args:
        clips: What ``read`` takes by the name of the clip: by default an audio file.
        model: What computes the attributes.
        folder: Folder of the table, beside the data.
        read: Returns a clip's samples and their rate in Hz; worker processes get it pickled.
        cache_dir: Folder of the table if the data are read-only.
        n_workers: Worker processes, 1 or more; by default, one for each usable core. The result does not depend on it.

    Returns:
        One row for each clip, in their order, with the columns ``name`` (string), the model's (float64), and
        ``problem`` (string): null, or why the clip has no attributes, which are null then. Files that could not be
        read are not noted on disk and tried again next time.

    Raises:
        DataError: No folder can be written, the disk is full, the table on disk is damaged, or a worker process ended
            abruptly. What was computed by then is kept.
    """
    if n_workers is not None and n_workers < 1:
        raise DataError(f"n_workers is {n_workers}; it must be 1 or more.", argument="n_workers")
    schema = _schema(model)
    stem = f"{model.name}-{model.version}"
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    beside = GrowingTable(folder / f"{stem}.parquet", schema)
    cached = GrowingTable(cache_dir / f"{stem}-{place}.parquet", schema)
    try:
        known = unique(pa.concat_tables([beside.read(), cached.read()]))
        if _missing(clips, known):
            table = _writable(beside, cached)
            with table.locked():
                known = unique(pa.concat_tables([known, table.read_all()]))
                known = _completed(known, clips, model, read, table, n_workers or usable_cores())
    except OSError as error:
        raise DataError(f"the table of attributes {beside.file} cannot be completed: {error}.") from error
    rows = {name: row for row, name in enumerate(known[KEY].to_pylist())}
    return known.take(pa.array([rows[name] for name in clips], pa.int64()))


def _completed(
    known: pa.Table, clips: Mapping[str, Any], model: AttributeModel, read: Read, table: GrowingTable, n_workers: int
) -> pa.Table:
    """Computes what is missing, writing it part by part, and returns the known rows with the new ones."""
    parts = [known]
    missing = _missing(clips, known)
    rows = attribute_workers.computed(missing, read, model.compute, model.columns, n_workers, table.file)
    with contextlib.closing(rows) as chunks:
        for chunk in chunks:
            part = pa.Table.from_pylist([row.as_dict() for row in chunk], known.schema)
            parts.append(part)
            lasting = part.filter(pa.array([row.lasting for row in chunk]))
            if len(lasting):
                table.add(lasting)
    table.merge()
    _report(pa.concat_tables(parts[1:]) if len(parts) > 1 else known.slice(0, 0), table.file)
    return pa.concat_tables(parts)


def _writable(beside: GrowingTable, cached: GrowingTable) -> GrowingTable:
    try:
        beside.make_writable()
        return beside
    except OSError as error:
        refusal = error
    try:
        cached.make_writable()
    except OSError as error:
        raise DataError(
            f"cannot write the table of attributes, neither in {beside.file.parent} ({refusal.strerror}) nor in "
            f"{cached.file.parent} ({error.strerror}). Set cache_dir to a writable folder.",
            argument="cache_dir",
        ) from error
    _log.warning(
        "%s cannot be written (%s); the attributes go to %s.", beside.file.parent, refusal.strerror, cached.file
    )
    return cached


def _missing(clips: Mapping[str, Any], known: pa.Table) -> list[tuple[str, Any]]:
    names = set(known[KEY].to_pylist())
    return [(name, clip) for name, clip in clips.items() if name not in names]


def _report(rows: pa.Table, file: Path) -> None:
    problems = rows.filter(pc.is_valid(rows["problem"]))
    if len(problems):
        named = first_of([f"{row[KEY]} ({row['problem']})" for row in problems.to_pylist()], 5)
        _log.warning("%d of %d clips have no attributes in %s: %s.", len(problems), len(rows), file, named)


def _schema(model: AttributeModel) -> pa.Schema:
    attributes = [pa.field(column, pa.float64()) for column in model.columns]
    return pa.schema([pa.field(KEY, pa.string()), *attributes, pa.field("problem", pa.string())])
