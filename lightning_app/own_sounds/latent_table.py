"""A table of latents in Parquet, written as they come: hours of sound need no more memory than minutes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lightning_app.files import whole_file
from lightning_app.own_sounds.encoding import Segment

_N_ROWS = 256


def write_table(path: Path, segments: Iterable[Segment], about: dict[str, Any]) -> int:
    """Writes a row for each segment: ``file``, ``start_seconds``, ``seconds``, and each of its latents.

    Latents are lists, and lists of lists where they are of frames; ``np.stack(column.to_pylist())`` makes arrays again.

    Args:
        path: Path of the table, which is there whole or not at all.
        segments: The segments, one or more, all with the same names of latents.
        about: What else is to be known, kept as JSON under ``disentangle`` in the metadata of the table.

    Returns:
        The number of rows.
    """
    n_rows = 0
    with whole_file(path) as draft:
        writer: Any = None
        try:
            for rows in _batches(segments):
                if writer is None:
                    schema = _schema(rows[0]).with_metadata({"disentangle": json.dumps(about)})
                    writer = pq.ParquetWriter(draft, schema)
                writer.write_table(pa.Table.from_pylist([_row(row) for row in rows], schema))
                n_rows += len(rows)
        finally:
            if writer is not None:
                writer.close()
    return n_rows


def _batches(segments: Iterable[Segment]) -> Iterable[list[Segment]]:
    rows: list[Segment] = []
    for segment in segments:
        rows.append(segment)
        if len(rows) == _N_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _schema(segment: Segment) -> pa.Schema:
    known = [("file", pa.string()), ("start_seconds", pa.float64()), ("seconds", pa.float64())]
    return pa.schema([*known, *((name, _type(values)) for name, values in segment.latents.items())])


def _type(values: NDArray[np.floating]) -> pa.DataType:
    kind = pa.from_numpy_dtype(values.dtype)
    for _ in range(values.ndim):
        kind = pa.list_(kind)
    return kind


def _row(segment: Segment) -> dict[str, Any]:
    known = {"file": segment.file, "start_seconds": segment.start_seconds, "seconds": segment.seconds}
    return known | {name: values.tolist() for name, values in segment.latents.items()}
