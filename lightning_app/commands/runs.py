"""Lists runs: ``disentangle runs``."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from lightning_app.commands.function_command import call_function
from lightning_app.errors import RunError, UsageError, did_you_mean
from lightning_app.evaluation.scores import headline
from lightning_app.runs.run_summary import RunSummary, State, find_runs

Row = dict[str, Any]
_COLUMNS = ("run", "model", "data", "epochs", "state", "best", "best_epoch")


def list_runs(
    folder: Path = Path("runs"),
    sort: str = "run",
    descending: bool = False,
    state: Literal["running", "stopped", "finished", "failed"] | None = None,
    name: str = "*",
    where: list[str] | None = None,
    options: list[str] | None = None,
    scores: list[str] | None = None,
    format: Literal["table", "csv", "json"] = "table",
) -> None:
    """Lists the runs in a folder: what they are, how far they have come, and their scores.

    ``best`` is the score that the best checkpoint follows, of the epoch ``best_epoch``. A run is running, stopped (by
    Ctrl-C, a time limit or a callback), finished, or failed (by an error, or killed).

    Args:
        folder: The folder of the runs; those in folders inside it are found too.
        sort: The column to sort by, like best or size, or one that options or scores add.
        descending: Whether the greatest comes first.
        state: Only runs in this state: running, stopped, finished or failed.
        name: Only runs whose name fits this pattern, like 'ts_dsae-*'.
        where: Only runs with these values of options, given like '[model.z_dim=16, seed_everything=0]'.
        options: Options to show as columns, given like '[model.z_dim, seed_everything]'.
        scores: Scores of the evaluation to show, given like '[swap_f1/global_swap]'; by default those after swaps, and
            DMIG.
        format: What is printed: table, csv or json. Sizes are in bytes in the last two.

    Raises:
        RunError: There is no such folder, column or option, or there are no runs.
        UsageError: A condition of ``where`` is not OPTION=VALUE.
    """
    summaries, refused = _read(folder)
    conditions = [_condition(text) for text in where or ()]
    if not summaries and not refused:
        raise RunError(f"there is no run in {folder}; `disentangle fit` makes one, and --folder names another folder.")
    kept = [
        one
        for one in summaries
        if state in (None, one.state) and fnmatch(_name(one, folder), name) and all(fits(one) for fits in conditions)
    ]
    measured = list(dict.fromkeys(key for one in kept for key in one.scores))
    shown = headline(measured) if scores is None else scores
    for key in shown:
        if kept and key not in measured:
            raise RunError(f"no run here has the score {key}.{did_you_mean(key, measured)}")
    rows = _sorted([_row(one, folder, options or (), shown) for one in kept], sort, descending)
    {"table": _print_table, "csv": _print_csv, "json": _print_json}[format](rows)
    for reason in refused:
        print(f"left out: {reason}", file=sys.stderr)


def _read(folder: Path) -> tuple[list[RunSummary], list[str]]:
    summaries, refused = [], []
    for run in find_runs(folder):
        try:
            summaries.append(RunSummary.of(run))
        except RunError as error:
            refused.append(str(error))
    return summaries, refused


def _name(run: RunSummary, folder: Path) -> str:
    """The run's folder as seen from the folder of all runs."""
    return run.folder.path.relative_to(folder).as_posix() if run.folder.path != folder else folder.name


def _condition(text: str) -> Callable[[RunSummary], bool]:
    option, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--where {text}: give OPTION=VALUE, like model.z_dim=16.")

    def fits(run: RunSummary) -> bool:
        try:
            return _typed(run.option(option.strip())) == value.strip()
        except RunError:  # another model need not have it
            return False

    return fits


def _row(run: RunSummary, folder: Path, options: Sequence[str], scores: Sequence[str]) -> Row:
    best = (None, None) if run.best is None else (run.best.value, run.best.epoch)
    values = (_name(run, folder), run.model, run.data, run.epochs, run.state.value, *best)
    row: Row = dict(zip(_COLUMNS, values, strict=True))
    row |= {option: _option(run, option) for option in options}
    return row | {key: run.scores.get(key) for key in scores} | {"size": run.size}


def _option(run: RunSummary, option: str) -> Any:
    try:
        return run.option(option)
    except RunError:
        return None


def _sorted(rows: list[Row], column: str, descending: bool) -> list[Row]:
    if not rows:
        return rows
    if column not in rows[0]:
        raise RunError(f"--sort {column}: there is no such column.{did_you_mean(column, rows[0])} There are "
                       f"{', '.join(rows[0])}.")  # fmt: skip
    there = [row for row in rows if row[column] is not None]
    try:
        there.sort(key=lambda row: row[column], reverse=descending)
    except TypeError:  # numbers beside names
        there.sort(key=lambda row: _typed(row[column]), reverse=descending)
    return there + [row for row in rows if row[column] is None]


def _typed(value: Any) -> str:
    """A value as one would type it."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _print_table(rows: Sequence[Row]) -> None:
    if not rows:
        print("No run fits.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        is_text = column in ("run", "model", "data", "state")
        table.add_column(column.replace("_", " ") if column in _COLUMNS else column, overflow="fold",
                         justify="left" if is_text else "right")  # fmt: skip
    for row in rows:
        table.add_row(*(Text(_cell(column, value), style=_STYLES.get(value, "")) for column, value in row.items()))
    # Piped into a file, nothing is cut.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


_STYLES: dict[Any, str] = {State.RUNNING.value: "cyan", State.FAILED.value: "red", State.STOPPED.value: "yellow"}


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "–"  # noqa: RUF001
    if column == "size":
        return decimal(value)
    return f"{value:.4g}" if isinstance(value, float) else _typed(value)


def _print_csv(rows: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    print(text.getvalue(), end="")


def _print_json(rows: Sequence[Row]) -> None:
    print(json.dumps(rows, indent=2))


def main(words: Sequence[str]) -> None:
    """Lists the runs that the options choose."""
    call_function(list_runs, words, "disentangle runs")
