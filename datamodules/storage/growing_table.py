"""A table on disk that grows in parts, so that an interrupted computation keeps what it has.

Finished rows go to part files in a hidden folder beside the table's Parquet file, and at the end into that file. Each
file appears whole or not at all: it is written under another name and renamed when complete.
"""

import contextlib
import logging
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import filelock
import pyarrow as pa
import pyarrow.parquet as pq

from datamodules.errors import DataError
from datamodules.storage.whole import whole_file

_log = logging.getLogger(__name__)

KEY = "name"
"""The column that tells rows apart."""


class GrowingTable:
    """Rows of a fixed schema, each with a name of its own, in a Parquet file and in parts yet to be merged into it.

    Args:
        file: The Parquet file, existing or not.
        schema: Schema of all rows; has a column `KEY`.
    """

    def __init__(self, file: Path, schema: pa.Schema) -> None:
        self.file = file
        self._schema = schema
        self._parts = file.with_name(f".{file.stem}.parts")
        self._lock_file = file.with_name(f".{file.stem}.lock")

    def complete(
        self, names: Sequence[str], compute: Callable[[list[str]], Generator[pa.Table, None, None]]
    ) -> pa.Table:
        """Returns the rows of some names, computing those that are not on disk yet.

        A computation that is interrupted goes on where it was; one that another process is at is waited for.

        Args:
            names: Names of rows.
            compute: Yields the rows of the names it is given, in any order and in parts, each of which is kept as soon
                as it is there. It may leave names out: they have no row, and are asked for again the next time.

        Returns:
            The rows in the order of the names, without those that were left out.

        Raises:
            DataError: The folder cannot be written, the disk is full, or the file is something else. What was computed
                by then is kept.
        """
        try:
            known = self.read()
            if _missing(names, known):
                self.make_writable()
                with self.locked():
                    known = self._completed(names, compute)
        except OSError as error:
            raise DataError(
                f"the table {self.file} cannot be completed: {error}. Free some space, or set cache_dir to a "
                "writable folder. What is done is kept.",
                argument="cache_dir",
            ) from error
        rows = {name: row for row, name in enumerate(known[KEY].to_pylist())}
        return known.take(pa.array([rows[name] for name in names if name in rows], pa.int64()))

    def read(self) -> pa.Table:
        """Returns the rows of the file; none where there is no file.

        Raises:
            DataError: The file is something else.
        """
        if not self.file.is_file():
            return self._schema.empty_table()
        try:
            return _read(self.file, self._schema)
        except pa.ArrowException as error:
            raise DataError(f"{self.file} is no table as expected: {error} Delete it and run again.") from error

    def read_all(self) -> pa.Table:
        """Returns the rows of the file and of the parts; to be called under the lock."""
        tables = [self.read()]
        for part in sorted(self._part_files()):
            try:
                tables.append(_read(part, self._schema))
            except pa.ArrowException:
                part.unlink()  # a machine that went down can leave this; the rows are computed again
        return unique(pa.concat_tables(tables))

    def make_writable(self) -> None:
        """Makes what writing needs; raises OSError where that cannot be done."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file.touch()
        with tempfile.TemporaryFile(dir=self.file.parent):
            pass

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing; waits for one that writes."""
        lock = filelock.FileLock(self._lock_file)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            _log.warning("Waiting for another process to complete %s.", self.file)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def add(self, rows: pa.Table) -> None:
        """Writes a part; to be called under the lock."""
        self._parts.mkdir(exist_ok=True)
        _write(rows, self._parts / f"{uuid.uuid4().hex}.parquet")

    def merge(self) -> None:
        """Writes all rows to the file and removes the parts; to be called under the lock."""
        if any(self._part_files()):
            _write(self.read_all(), self.file)
        shutil.rmtree(self._parts, ignore_errors=True)

    def _completed(
        self, names: Sequence[str], compute: Callable[[list[str]], Generator[pa.Table, None, None]]
    ) -> pa.Table:
        missing = _missing(names, self.read_all())
        if missing:  # else another process has computed it meanwhile
            with contextlib.closing(compute(missing)) as parts:
                for part in parts:
                    if len(part):
                        self.add(part)
        self.merge()
        return self.read()

    def _part_files(self) -> Iterator[Path]:
        return self._parts.glob("[!.]*.parquet")  # no drafts


def _missing(names: Sequence[str], known: pa.Table) -> list[str]:
    there = set(known[KEY].to_pylist())
    return [name for name in names if name not in there]


def unique(rows: pa.Table) -> pa.Table:
    """Returns the first row of each name, in their order."""
    first: dict[str, int] = {}
    for row, name in enumerate(rows[KEY].to_pylist()):
        first.setdefault(name, row)
    return rows if len(first) == len(rows) else rows.take(pa.array(first.values(), pa.int64()))


def _read(file: Path, schema: pa.Schema) -> pa.Table:
    # Not pyarrow's own reading of paths, which takes a folder's name for a partition; nor a file of Python's, which its
    # threads would let go of when they come to it: where Python ends just then, it aborts.
    with pa.OSFile(str(file)) as content:
        table = pq.read_table(content)
    if table.schema.names != schema.names:
        raise pa.ArrowInvalid(f"it has the columns {table.schema.names} and not {schema.names}.")
    return table.cast(schema)


def _write(rows: pa.Table, file: Path) -> None:
    content = pa.BufferOutputStream()
    pq.write_table(rows, content)
    with whole_file(file) as draft:
        draft.write_bytes(content.getvalue())  # pyarrow would not report a full disk with its errno
