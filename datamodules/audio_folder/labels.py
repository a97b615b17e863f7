"""What is known of recordings: classes and attributes, from their folders and from a table beside them."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from datamodules.audio_folder.tables import Files, Table, file_column, rows_of_files
from datamodules.clips.attributes import TIMBRAL
from datamodules.clips.dataset import RESERVED
from datamodules.clips.folder_parts import is_folder_of_part, part_of
from datamodules.clips.source import Part
from datamodules.errors import DataError, first_of

Role = Literal["file", "class", "attribute", "group", "ignore"]
"""What a column of a table is."""

FOLDER = "folder"
"""The class that the first folders make; those in them make ``folder_2``, and so on."""


@dataclass(frozen=True)
class Labels:
    """What is known of files, in their order.

    Attributes:
        classes: The class of each file, for each way to class them.
        attributes: Numbers of each file, (n,), NaN where it has none, by the name of the attribute.
        groups: Name of the group of each file: its own, unless a table says which files belong together.
        parts: What each file is for, where folders say so.
    """

    classes: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, NDArray[np.float64]]
    groups: tuple[str, ...]
    parts: tuple[Part, ...] | None


def labels_of(
    names: Sequence[str],
    root: Path,
    table: Path | None = None,
    columns: Mapping[str, Role] | None = None,
    by_folder: bool = True,
    left_out: Collection[str] = (),
) -> Labels:
    """Returns what the folders of files and a table tell of them; the classes of the table come first.

    Args:
        names: Names of the files, relative to the folder.
        root: The folder.
        table: Path of a table, from the folder on; None where there is none.
        columns: What columns of the table are, by their names. Of the others, the one that names files is found by
            what it holds; those of numbers are attributes, and those of texts are classes.
        by_folder: Whether folders make classes.
        left_out: Names of files that there are and that are not used; the table may tell of them.

    Raises:
        DataError: Files lie beside folders of which the others make classes or a split; or the table does not tell of
            each file, or not what it should.
    """
    parts = folder_parts(names)
    if table is None:
        if columns:
            raise DataError("columns is of a table, and none is named; set table.", argument="columns")
        return Labels(folder_classes(names) if by_folder else {}, {}, tuple(names), parts)
    own = _table_labels(names, root, Table.read(root / table), columns or {}, list(left_out))
    of_folders = _level_classes(_class_folders(names)) if by_folder else {}
    return Labels(dict(own.classes) | {**of_folders, **own.classes}, own.attributes, own.groups, parts)


def folder_parts(names: Sequence[str]) -> tuple[Part, ...] | None:
    """Returns what files are for that lie in folders like train, valid and test; None where there are no such folders.

    Raises:
        DataError: Some files lie in such folders, and others do not.
    """
    parts = [part_of(PurePosixPath(name).parts[:-1]) for name in names]
    if not any(part is not None for part in parts):
        return None
    if beside := [name for name, part in zip(names, parts, strict=True) if part is None]:
        folders = {folder for name in names for folder in PurePosixPath(name).parts[:-1]}
        named = sorted(filter(is_folder_of_part, folders))
        raise DataError(
            f"{_files(len(beside))} in none of the folders of the split, {', '.join(named)}: {first_of(beside)}. Move "
            "each to where it belongs, or give these folders other names.",
            argument="root",
        )
    return tuple(part for part in parts if part is not None)


def folder_classes(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns the classes that folders make: one for each level at which all files lie in folders.

    Folders of the split, and what is around all files, make none.

    >>> folder_classes(["set/violin/a.wav", "set/train/trumpet/b.wav"])
    {'folder': ('violin', 'trumpet')}

    Raises:
        DataError: Files lie beside the folders of others.
    """
    folders = _class_folders(names)
    beside = [name for name, one in zip(names, folders, strict=True) if not one]
    if beside and len(beside) < len(names):
        raise DataError(
            f"{_files(len(beside))} beside the folders of the others, with no class: {first_of(beside)}. Move "
            "each into a folder, or set folder_classes to false, so that folders make no classes.",
            argument="folder_classes",
        )
    return _level_classes(folders)


def _class_folders(names: Sequence[str]) -> list[list[str]]:
    """The folders that each file lies in, from the first at which files differ."""
    folders = [[one for one in PurePosixPath(name).parts[:-1] if not is_folder_of_part(one)] for name in names]
    while all(folders) and len({one[0] for one in folders}) == 1:
        folders = [one[1:] for one in folders]
    return folders


def _level_classes(folders: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    levels = zip(*folders, strict=False)  # to where the shallowest lies
    named = {FOLDER if number == 1 else f"{FOLDER}_{number}": level for number, level in enumerate(levels, 1)}
    return {name: level for name, level in named.items() if len(set(level)) > 1}


def _files(n: int) -> str:
    return "1 file lies" if n == 1 else f"{n} files lie"


def _table_labels(
    names: Sequence[str], root: Path, table: Table, columns: Mapping[str, Role], left_out: Sequence[str]
) -> Labels:
    _check_roles(table, columns)
    by_role = {role: [name for name in table.columns if columns.get(name) == role] for role in get_args(Role)}
    files = Files([*names, *left_out], root)
    others = [name for name, role in columns.items() if role != "file"]
    file = file_column(table, files, next(iter(by_role["file"]), None), others)
    rows = rows_of_files(table, file, files, left_out)
    if without := [name for name in names if name not in rows]:
        raise DataError(
            f"{table.path} has no row for {first_of(without)}; add {'it' if len(without) == 1 else 'them'}, or move "
            "what you do not want out of the folder.",
            argument="table",
        )
    order = [rows[name] for name in names]
    classes: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, NDArray[np.float64]] = {}
    groups = tuple(names)
    for name in table.columns:
        cells = [table.column(name)[row] for row in order]
        role = columns.get(name) or ("file" if name == file else _role(table, cells))
        if role == "attribute":
            attributes[name] = _numbers(table, name, cells, names)
        elif role in ("class", "group"):
            _check_filled(table, name, cells, names)
            if role == "class":
                classes[name] = tuple(cells)
            else:
                groups = tuple(cells)
    _check_names(table, classes, attributes)
    return Labels(classes, attributes, groups, None)


def _check_roles(table: Table, columns: Mapping[str, Role]) -> None:
    for name, role in columns.items():
        if name not in table.columns:
            raise DataError(
                f"columns has '{name}', and {table.path} has {', '.join(table.columns)}.", argument="columns"
            )
        if role not in get_args(Role):
            raise DataError(
                f"columns has '{role}' for {name}; choose from {', '.join(get_args(Role))}.", argument="columns"
            )
    for role in ("file", "group"):
        if len(several := [name for name, own in columns.items() if own == role]) > 1:
            raise DataError(f"columns has '{role}' for {', '.join(several)}; choose one.", argument="columns")


def _check_names(table: Table, classes: Collection[str], attributes: Collection[str]) -> None:
    for names, taken, what in (
        (classes, RESERVED, "a batch has something else of this name"),
        (attributes, TIMBRAL.columns, "this is measured on the audio"),
    ):
        for name in names:
            if name in taken:
                raise DataError(
                    f"{table.path} has a column '{name}', and {what}; rename the column, or set columns to "
                    f"{{{name}: ignore}}.",
                    argument="columns",
                )


def _check_filled(table: Table, column: str, cells: Sequence[str], names: Sequence[str]) -> None:
    if empty := [name for name, cell in zip(names, cells, strict=True) if not cell]:
        raise DataError(
            f"{table.path} has no {column} of {first_of(empty)}; fill these cells, or set columns to "
            f"{{{column}: ignore}}.",
            argument="table",
        )


def _role(table: Table, cells: Sequence[str]) -> Role:
    """What a column is by what it holds."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return "ignore"
    return "attribute" if all(_number(table, cell) is not None for cell in filled) else "class"


def _numbers(table: Table, column: str, cells: Sequence[str], names: Sequence[str]) -> NDArray[np.float64]:
    values = [_number(table, cell) if cell else math.nan for cell in cells]
    if bad := [f"{cell!r} of {name}" for name, cell, value in zip(names, cells, values, strict=True) if value is None]:
        raise DataError(
            f"{table.path}: {column} should be numbers, and has {first_of(bad)}; correct them, or make it a class with "
            f"columns set to {{{column}: class}}.",
            argument="columns",
        )
    return np.array(values, np.float64)


def _number(table: Table, cell: str) -> float | None:
    try:
        value = float(cell.replace(",", ".") if table.decimal_comma else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
