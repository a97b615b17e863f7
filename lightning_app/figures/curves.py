"""What runs have logged, over their epochs and over one another."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lightning_app.errors import RunError, did_you_mean
from lightning_app.figures.saving import save_figure
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import logged, stage_starts

_Log = Mapping[str, NDArray[np.float64]]
_MOST_COLUMNS = 4
# Okabe and Ito's colours, which the colour-blind can tell apart, without the yellow that is too light for a line.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_LINES = ("-", "--", ":", "-.")


def curves(runs: Sequence[Path], keys: list[str] | None = None, output: Path | None = None) -> None:
    """Draws what runs have logged over their epochs: a panel for each key, a colour for each run.

    Where training has stages, a dotted line shows where the second one begins.

    Args:
        runs: Folders of the runs.
        keys: What to draw, given like '[val/negative_elbo, train/loss]'; by default all terms of the validation loss.
        output: Folder of ``curves.png``, ``curves.svg`` and ``curves.csv``; by default ``figures`` in the run's folder,
            or, of several runs, in the folder that holds the first.

    Raises:
        RunError: A folder has no log, or no run has logged a key.
    """
    logs = {name: logged(RunFolder(run)) for name, run in zip(_names(runs), runs, strict=True)}
    known = list(dict.fromkeys(key for log in logs.values() for key in log if key not in ("epoch", "step")))
    shown = _terms(known) if keys is None else keys
    for key in shown:
        if key not in known:
            raise RunError(f"no run has logged {key}.{did_you_mean(key, known)} There are {', '.join(known)}.")
    n_columns = min(_MOST_COLUMNS, math.ceil(math.sqrt(len(shown))))
    n_rows = math.ceil(len(shown) / n_columns)
    figure = Figure(figsize=(3.4 * n_columns + 1.6, 2.5 * n_rows + 0.3), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    styles = {name: _style(number) for number, name in enumerate(logs)}
    for panel, key in zip(panels, shown, strict=False):
        for name, log in logs.items():
            if key in log:
                _draw(panel, log, key, styles[name])
        panel.set_title(key, fontsize=10)
        panel.grid(alpha=0.3)
        panel.tick_params(labelsize=8)
    for panel in panels[len(shown) :]:
        panel.remove()
    for panel in panels[max(0, len(shown) - n_columns) : len(shown)]:
        panel.set_xlabel("epoch", fontsize=9)
        panel.tick_params(labelbottom=True)
    handles = [Line2D([], [], label=name, **styles[name]) for name in logs]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)
    save_figure(
        figure, _folder(runs, output) / "curves", _table(logs, shown), f"{', '.join(shown)} of {len(logs)} runs"
    )


def _names(runs: Sequence[Path]) -> list[str]:
    """The names of the folders; with those above them where names are alike."""
    paths = [run.resolve() for run in runs]
    for path in paths:
        if paths.count(path) > 1:
            raise RunError(f"{path} is named twice; name each run once.")
    for n_parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-n_parts:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _terms(keys: Sequence[str]) -> list[str]:
    """The terms of the loss: not the scores of attributes, nor the numbers of clips."""
    for part in ("val/", "train/"):
        if terms := [key for key in keys if key.startswith(part) and key.count("/") == 1 and "/n_" not in key]:
            return terms
    return list(keys)


def _style(number: int) -> dict[str, Any]:
    line = _LINES[number // len(_COLOURS) % len(_LINES)]
    return {"color": _COLOURS[number % len(_COLOURS)], "linestyle": line}


def _draw(panel: Axes, log: _Log, key: str, style: Mapping[str, Any]) -> None:
    there = np.isfinite(log[key])
    # A single point is no line.
    marker = "o" if there.sum() == 1 else ""
    panel.plot(log["epoch"][there], log[key][there], linewidth=1.2, marker=marker, markersize=3, **style)
    for epoch in stage_starts(log):
        panel.axvline(epoch - 0.5, color=style["color"], linestyle=":", linewidth=0.8, alpha=0.7)


def _table(logs: Mapping[str, _Log], keys: Sequence[str]) -> dict[str, list[object]]:
    table: dict[str, list[object]] = {"run": [], "epoch": [], **{key: [] for key in keys}}
    for name, log in logs.items():
        n_rows = len(log["epoch"])
        table["run"] += [name] * n_rows
        table["epoch"] += log["epoch"].tolist()
        for key in keys:
            table[key] += log[key].tolist() if key in log else [math.nan] * n_rows
    return table


def _folder(runs: Sequence[Path], output: Path | None) -> Path:
    if output is not None:
        return output
    return RunFolder(runs[0]).figures if len(runs) == 1 else runs[0].resolve().parent / "figures"
