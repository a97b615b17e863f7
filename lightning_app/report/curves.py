"""Curves of what was logged: a chart for each term, with a line for each run."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.report.line_chart import Chart, Line, line_chart
from lightning_app.runs.run_log import logged, stage_starts

_PARTS = {"train": "training", "val": "validation"}


def curves(runs: Sequence[OpenedRun]) -> tuple[list[Chart], list[str]]:
    """Draws what the runs have logged of training and validation.

    Args:
        runs: The runs, of which each keeps its colour in all charts.

    Returns:
        The charts, one for each term in the order of the log; and the names of the runs that have no log.
    """
    logs: dict[int, Mapping[str, NDArray[np.float64]]] = {}
    for number, run in enumerate(runs):
        try:
            logs[number] = logged(run.folder)
        except RunError:
            continue
    keys = dict.fromkeys(key for log in logs.values() for key in log)
    terms = dict.fromkeys(key.partition("/")[2] for key in keys if key.partition("/")[0] in _PARTS)
    stages = sorted({epoch + 0.5 for log in logs.values() for epoch in stage_starts(log)})
    charts = []
    for term in terms:
        lines = [
            Line(f"{run.name}, {title}" if len(runs) > 1 else title, x, y, number, dashed=part == "train")
            for number, run in enumerate(runs)
            for part, title in _PARTS.items()
            for x, y in [_values(logs.get(number, {}), f"{part}/{term}")]
            if len(x)
        ]
        if any(len(line.x) > 1 for line in lines):
            charts.append(line_chart(term.replace("_", " "), lines, stages))
    return charts, [run.name for number, run in enumerate(runs) if number not in logs]


def _values(log: Mapping[str, NDArray[np.float64]], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs, counted from 1, and what was logged in them."""
    if key not in log:
        return np.empty(0), np.empty(0)
    there = np.isfinite(log[key]) & np.isfinite(log["epoch"])
    # Of an epoch whose steps are logged too, the last is that of the epoch.
    last = dict(zip(log["epoch"][there], log[key][there], strict=True))
    return np.array([*last]) + 1, np.array([*last.values()])
