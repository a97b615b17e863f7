"""Prints what there is in a folder of recordings."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightning_app.inspection.findings import Findings

_N_CLASSES, _N_PROBLEMS = 20, 20


def print_findings(found: Findings, console: Console) -> None:
    """Prints tables of what there is, and lists of what is left out and what is suspicious."""
    console.print(_overview(found))
    for name, counts in found.classes.items():
        table = Table(name, title=f"Classes: {name}", title_justify="left")
        for column in ("files", "length", "segments"):
            table.add_column(column, justify="right")
        for one in counts[:_N_CLASSES]:
            table.add_row(Text(one.name), str(one.n_files), duration(one.seconds), str(one.n_segments))
        if len(counts) > _N_CLASSES:
            table.add_row(f"and {len(counts) - _N_CLASSES} more", "", "", "")
        console.print(table)
    problems = list(found.left_out.values())
    _print_list("Left out", [*problems[:_N_PROBLEMS], *_more(problems)], console)
    _print_list("Suspicious", found.suspicions, console)


def duration(seconds: float) -> str:
    """Writes a length of time as people do.

    >>> duration(3.25), duration(192), duration(7_800)
    ('3.2 s', '3 min 12 s', '2 h 10 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _overview(found: Findings) -> Table:
    table = Table(title=str(found.root), title_justify="left", show_header=False)
    rows = {
        "files": f"{found.n_files}, {duration(found.seconds)} in all",
        "formats": _counts(found.formats),
        "sample rates": _counts({f"{rate} Hz": n for rate, n in sorted(found.rates.items())}),
        "channels": _counts(found.channels),
        "peaks": _levels(found.peaks),
        "levels": _levels(found.loudness),
        "silence": f"{100 * found.silence:.0f} % of the time",
        "attributes": ", ".join(
            f"{name} from {least:g} to {largest:g}{f' ({n} without)' if n else ''}"
            for name, (least, largest, n) in found.attributes.items()
        ),
        "segments": f"{found.n_segments} kept",
        "dropped": _counts(found.dropped),
        "split": ", ".join(f"{n} for {part}" for part, n in found.parts.items()),
    }
    for name, text in rows.items():
        if text:
            table.add_row(name, Text(text))
    return table


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in counts.items())


def _levels(levels: tuple[float, float, float]) -> str:
    return "{:.1f}, {:.1f} and {:.1f} dB (least, median, largest)".format(*levels)


def _more(problems: list[str]) -> list[str]:
    return [f"and {len(problems) - _N_PROBLEMS} more"] if len(problems) > _N_PROBLEMS else []


def _print_list(title: str, lines: Any, console: Console) -> None:
    if lines:
        console.print(Text(f"\n{title}", style="bold"))
        for line in lines:
            console.print(Text(f"- {line}"), soft_wrap=True)
