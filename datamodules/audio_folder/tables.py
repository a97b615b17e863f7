"""Tables beside recordings: CSV, TSV and JSON Lines, and which of their rows tells of which file."""

import csv
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from datamodules.errors import DataError, first_of

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Endings of the tables that are read."""

# Where several columns name the files equally well, the first of these; then the first of the table.
_NAMES_OF_FILE = ("file", "filename", "file_name", "filepath", "file_path", "path", "audio", "clip", "name", "id")


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        path: Path of its file.
        columns: Names of the columns.
        rows: The cells of each row, in the order of the columns; empty where there is nothing.
        lines: Number of the line that each row ends at, counted from 1.
        decimal_comma: Whether numbers may be written like ``0,5``, as where semicolons part the cells.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    decimal_comma: bool = False

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Reads a table, in UTF-8, with or without a byte order mark; the kind goes by the ending.

        Raises:
            DataError: It cannot be read, is of another kind, has rows of unequal length, or no row at all.
        """
        if path.suffix.lower() not in ENDINGS:
            raise DataError(f"the table {path} should end in {', '.join(ENDINGS)}.", argument="table")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DataError(f"cannot read the table {path}: {error.strerror}.", argument="table") from error
        except UnicodeDecodeError as error:
            raise DataError(f"the table {path} is not in UTF-8; save it so.", argument="table") from error
        table = _from_json(path, text) if path.suffix.lower() in (".jsonl", ".ndjson") else _from_csv(path, text)
        if not table.rows:
            raise DataError(f"the table {path} has no rows.", argument="table")
        if len(set(table.columns)) < len(table.columns) or "" in table.columns:
            raise DataError(
                f"the table {path} has the columns {', '.join(map(repr, table.columns))}; give each a name of its own.",
                argument="table",
            )
        return table

    def column(self, name: str) -> list[str]:
        """Returns the cells of a column."""
        number = self.columns.index(name)
        return [row[number] for row in self.rows]


class Files:
    """Finds files by what a table calls them.

    That may be the name (``violin/a.wav``) with or without its ending, the last part of it where no other file has the
    same, or a longer path that leads to the file.

    Args:
        names: Names of the files, relative to their folder.
        root: The folder.

    >>> Files(["violin/a.wav", "b.flac"], Path("music")).called("a"), Files(["a.wav"], Path("music")).called("b")
    (['violin/a.wav'], [])
    """

    def __init__(self, names: Iterable[str], root: Path) -> None:
        self._root = _normal(root.resolve().as_posix())
        self._names: dict[str, list[str]] = {}
        for name in names:
            path = PurePosixPath(_normal(name))
            for form in {path.as_posix(), path.with_suffix("").as_posix(), path.name, path.stem}:
                self._names.setdefault(form, []).append(name)

    def called(self, text: str) -> list[str]:
        """Returns the names of the files that may be meant: none, one, or several."""
        path = PurePosixPath(_normal(text.strip().replace("\\", "/")))
        for outside, inside in ((path.parts[:n], path.parts[n:]) for n in range(len(path.parts))):
            # What leads to the folder may stand before the names in it.
            if not outside or f"/{self._root}".endswith("/" + "/".join(outside).removeprefix("/")):
                found = self._names.get("/".join(inside), [])
                exact = [name for name in found if _normal(name) == "/".join(inside)]
                if found:
                    return exact or found
        return []


def file_column(table: Table, files: Files, named: str | None, others: Iterable[str]) -> str:
    """Returns the name of the column that names the files.

    Args:
        table: The table.
        files: The files that there are.
        named: The column that is said to be it; None finds it by what it holds.
        others: Columns that are said to be something else.

    Raises:
        DataError: No column names a file, or the table has no line of names.
    """
    for cell in table.columns:
        if files.called(cell):
            raise DataError(
                f"the first line of {table.path} names the file {cell}; it should name the columns, like "
                f"file,{','.join(table.columns[1:2]) or 'instrument'}.",
                argument="table",
            )
    if named is not None:
        return named
    hits = {
        name: sum(bool(files.called(cell)) for cell in set(table.column(name)))
        for name in table.columns
        if name not in others
    }
    if not any(hits.values()):
        first = ", ".join(f"{name} {cell!r}" for name, cell in zip(table.columns, table.rows[0], strict=True))
        raise DataError(
            f"no column of {table.path} names a file of the folder (its first row is {first}); correct the table, "
            "which names files as they lie in the folder, like violin/a.wav.",
            argument="table",
        )
    return max(hits, key=lambda name: (hits[name], -_rank(name), -table.columns.index(name)))


def rows_of_files(table: Table, column: str, files: Files, left_out: Sequence[str]) -> dict[str, int]:
    """Returns the number of the row that tells of each file.

    Args:
        table: The table.
        column: The column that names the files.
        files: The files that there are.
        left_out: Names of files that there are and that are not used: rows may tell of them.

    Raises:
        DataError: Rows name no file, several, or one that another row names.
    """
    rows: dict[str, int] = {}
    problems: list[str] = []
    for number, (cell, line) in enumerate(zip(table.column(column), table.lines, strict=True)):
        found = files.called(cell)
        if not cell.strip():
            problems.append(f"line {line} names no file")
        elif not found:
            problems.append(f"there is no {cell} (line {line})")
        elif len(found) > 1:
            problems.append(
                f"{cell} may be {first_of(sorted(found))} (line {line}): name it with its folder and ending"
            )
        elif found[0] in rows:
            problems.append(f"{found[0]} is named twice (lines {table.lines[rows[found[0]]]} and {line})")
        else:
            rows[found[0]] = number
    if problems:
        raise DataError(f"{table.path}: {first_of(problems, 5, '; ')}. Correct the column {column}.", argument="table")
    return {name: number for name, number in rows.items() if name not in left_out}


def _normal(text: str) -> str:
    # Some systems write é as one character, others as two.
    return unicodedata.normalize("NFC", text).removeprefix("./")


def _rank(column: str) -> int:
    name = column.strip().lower()
    return _NAMES_OF_FILE.index(name) if name in _NAMES_OF_FILE else len(_NAMES_OF_FILE)


def _from_csv(path: Path, text: str) -> Table:
    header = text.lstrip().partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=header.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.", argument="table") from error
    if not lines:
        return Table(path, (), (), ())
    (_, columns), *rows = lines
    for line, row in rows:
        if len(row) != len(columns):
            raise DataError(
                f"{path}, line {line}: there are {len(row)} cells, and the first line names {len(columns)} columns.",
                argument="table",
            )
    return Table(
        path, tuple(columns), tuple(tuple(row) for _, row in rows), tuple(line for line, _ in rows), delimiter == ";"
    )


def _from_json(path: Path, text: str) -> Table:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: {error}.", argument="table") from error
        if not isinstance(row, dict) or any(isinstance(value, (dict, list)) for value in row.values()):
            raise DataError(
                f'{where}: each line should be of the form {{"file": "a.wav", "instrument": "violin"}}.',
                argument="table",
            )
        rows.append(row)
        lines.append(number)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(path, columns, tuple(tuple(_cell(row.get(name)) for name in columns) for row in rows), tuple(lines))


def _cell(value: Any) -> str:
    """A value of JSON as text."""
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)
