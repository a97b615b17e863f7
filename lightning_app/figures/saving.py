"""How every figure is written."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from lightning_app.files import whole_file


def save_figure(figure: Figure, path: Path, table: Mapping[str, Iterable[object]], shown: str) -> None:
    """Writes a figure as PNG and SVG, and its numbers as CSV, and says so.

    Args:
        figure: What is drawn.
        path: Path of the three files, without their endings.
        table: The numbers, a column for each name, all of one length.
        shown: What it shows, in words.
    """
    for ending in ("png", "svg"):
        with whole_file(path.with_name(f"{path.name}.{ending}")) as draft:
            figure.savefig(draft, dpi=130)
    save_table(path.with_name(f"{path.name}.csv"), table)
    print(f"Wrote {path}.png, .svg and .csv: {shown}.")


def save_table(path: Path, table: Mapping[str, Iterable[object]]) -> None:
    """Writes a CSV of columns, all of one length."""
    with whole_file(path) as draft, draft.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(table)
        rows.writerows(zip(*table.values(), strict=True))
