"""Compares two runs on the same clips: ``disentangle compare runs/a runs/b``."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from lightning_app.commands.function_command import call_function
from lightning_app.runs.run_folder import RunFolder

Row = dict[str, Any]


def main(words: Sequence[str]) -> None:
    """Compares the named runs."""
    call_function(compare_runs, words, "disentangle compare", positional=["run_a", "run_b"])


def compare_runs(
    run_a: Path,
    run_b: Path,
    scores: list[str] | None = None,
    format: Literal["table", "csv", "json"] = "table",
) -> None:
    """Compares the scores of two runs on the same clips.

    Of each score that both have clip by clip it prints the values, their difference B - A, and its 95 % bootstrap
    interval, paired over clips. A star marks intervals that do not hold 0. They say how much a difference owes to the
    clips, and nothing of the training: for that, compare seeds.

    Args:
        run_a: Folder of the first run, tested.
        run_b: Folder of the second.
        scores: The scores to compare, given like '[swap_f1/global_swap]'; by default all that both have.
        format: What is printed: table, csv or json.

    Raises:
        RunError: A run was not tested, the two are of other data or clips or were tested in another way, or they have
            no such score.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.evaluation.comparison import compare

    rows: list[Row] = [
        {
            "score": one.score,
            "a": one.a,
            "b": one.b,
            "difference": one.b - one.a,
            "low": None if one.interval is None else one.interval.low,
            "high": None if one.interval is None else one.interval.high,
            "tells_apart": one.tells_apart,
            "clips": one.n_clips,
        }
        for one in compare(RunFolder(run_a), RunFolder(run_b), scores)
    ]
    if format == "table":
        _print_table(rows, run_a, run_b)
    elif format == "csv":
        _print_csv(rows)
    else:
        print(json.dumps(rows, indent=2))


def _print_table(rows: Sequence[Row], run_a: Path, run_b: Path) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("score", overflow="fold")
    for title in ("A", "B", "B - A", "95 % over clips", "", "clips"):
        table.add_column(title, justify="right" if title else "left")
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"
        values = (f"{row['a']:.3f}", f"{row['b']:.3f}", f"{row['difference']:+.3f}")
        table.add_row(row["score"], *values, interval, "*" if row["tells_apart"] else "", str(row["clips"]))
    print(f"A: {run_a}\nB: {run_b}\n")
    # Piped into a file, nothing is cut.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)
    print("\n* The interval does not hold 0. It is paired over clips, and says nothing of other seeds.")


def _print_csv(rows: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    print(text.getvalue(), end="")
