"""Figures of a sweep's options: parallel coordinates, and slices."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lightning_app.sweeps.best import spread
from lightning_app.sweeps.drawn import Drawn, Table
from lightning_app.sweeps.labels import shown
from lightning_app.sweeps.option_axis import OptionAxis
from lightning_app.sweeps.study import TrialRecord

_COLOURS: Colormap = colormaps["viridis"]


def parallel_coordinates(drawn: Drawn) -> tuple[Figure, Table]:
    """A line for each trial through the values of its options, in the colour of its metric; grey ones were given up."""
    complete = sorted(drawn.complete, key=lambda record: record.value or 0.0)
    if drawn.study.sweep.metric.goal == "minimize":
        complete.reverse()  # the best lie above
    columns = [*drawn.axes.items(), (drawn.metric, OptionAxis(None))]
    figure = Figure(figsize=(1.5 + 1.6 * len(columns), 4.2), layout="constrained")
    axes = figure.subplots()
    heights = []
    for place, (option, axis) in enumerate(columns):
        values = [record.value if option == drawn.metric else record.values[option] for record in complete]
        found, low, high = axis.heights(values)
        heights.append(found)
        axes.axvline(place, color="black", linewidth=0.8)
        ticks = _ticks(axis, low, high)
        for height, label in ticks:
            axes.annotate(
                label, (place, height), (4, 0), textcoords="offset points", fontsize=8, va="center", zorder=3,
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip
    for record in drawn.pruned:  # behind those that are complete
        known = [(option, axis) for option, axis in drawn.axes.items() if axis.is_bounded]
        if len(known) == len(drawn.axes):
            behind = [axis.heights([record.values[option]])[0][0] for option, axis in known]
            axes.plot(range(len(behind)), behind, color="grey", alpha=0.25, linewidth=0.8, zorder=1)
    colours, scale = _shades([record.value or 0.0 for record in complete], drawn)
    places = range(len(columns))
    for colour, line in zip(colours, zip(*heights, strict=True), strict=True):
        axes.plot(places, line, color=colour, alpha=0.8, linewidth=1.2)
    axes.set(xlim=(-0.1, len(columns) - 0.6), ylim=(-0.04, 1.04), yticks=[])
    axes.set_xticks(places, [drawn.names.get(option, option) for option, _ in columns], rotation=20, ha="right")
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    figure.colorbar(scale, ax=axes, label=drawn.metric, pad=0.02)
    return figure, _values_table(drawn, drawn.complete)


def slices(drawn: Drawn) -> tuple[Figure, Table]:
    """The metric against each option; the shade tells early trials (light) from late ones (dark).

    Hollow ones were given up, and have the metric of their last epoch.
    """
    n_columns = min(4, len(drawn.axes))
    n_rows = math.ceil(len(drawn.axes) / n_columns)
    figure = Figure(figsize=(3.1 * n_columns + 0.6, 3.0 * n_rows + 0.2), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).ravel()
    complete = drawn.complete
    for panel, (option, axis) in zip(panels, drawn.axes.items(), strict=False):
        _draw_slice(panel, option, axis, drawn)
        panel.set_xlabel(drawn.names[option])
        panel.grid(alpha=0.3)
    for panel in panels[len(drawn.axes) :]:
        panel.set_visible(False)
    for row in range(n_rows):
        panels[row * n_columns].set_ylabel(drawn.metric)
    return figure, _values_table(drawn, complete)


def _draw_slice(panel: Axes, option: str, axis: OptionAxis, drawn: Drawn) -> None:
    complete = drawn.complete
    shades: Any = [to_rgba("C0", 0.25 + 0.75 * number / max(1, len(complete) - 1)) for number in range(len(complete))]
    beside = np.random.default_rng(0).uniform(-0.12, 0.12, len(drawn.records)) if axis.choices else np.zeros(1)
    for records, look in ((drawn.pruned, {"facecolors": "none", "edgecolors": "grey"}), (complete, {"color": shades})):
        places = np.array(axis.places([record.values[option] for record in records]))
        shown_at = places + (beside[: len(places)] if axis.choices else 0)
        panel.scatter(shown_at, [record.value or 0.0 for record in records], s=22, **look)
    if axis.choices is None:
        _set_number_axis(panel, axis)
        return
    for place in sorted(set(places)):
        mean = np.mean([record.value for record, at in zip(complete, places, strict=True) if at == place])
        panel.plot([place - 0.25, place + 0.25], [mean, mean], color="C3", linewidth=1.5)
    labels = axis.labels()
    slanted = sum(map(len, labels)) > 24
    panel.set_xticks(
        range(len(labels)), labels, fontsize=8, rotation=20 if slanted else 0, ha="right" if slanted else "center"
    )
    panel.set_xlim(-0.5, len(labels) - 0.5)


def _set_number_axis(panel: Axes, axis: OptionAxis) -> None:
    if axis.log and axis.bounds is not None:
        panel.set_xscale("log")
        wide = axis.bounds[1] / axis.bounds[0] > 30
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xlim(axis.bounds[0] / 1.1, axis.bounds[1] * 1.1)


def _ticks(axis: OptionAxis, low: float, high: float) -> list[tuple[float, str]]:
    """Heights from 0 to 1, and what stands there."""
    if axis.choices is not None:
        last = max(1, len(axis.choices) - 1)
        return [(number / last if len(axis.choices) > 1 else 0.5, label) for number, label in enumerate(axis.labels())]
    middle = math.sqrt(low * high) if axis.log else (low + high) / 2
    return [(height, shown(float(at))) for height, at in ((0.0, low), (0.5, middle), (1.0, high))]


def _shades(values: Sequence[float], drawn: Drawn) -> tuple[Iterable[Any], ScalarMappable]:
    """A colour for each value: the better, the darker."""
    colours = _COLOURS if drawn.study.sweep.metric.goal == "minimize" else _COLOURS.reversed()
    scale = ScalarMappable(Normalize(min(values), max(values)), colours)
    return scale.to_rgba(np.array(values)), scale


def _values_table(drawn: Drawn, records: Sequence[TrialRecord]) -> Table:
    options: Table = {option: [record.values[option] for record in records] for option in drawn.axes}
    return {
        "trial": [record.number for record in records],
        **options,
        drawn.metric: [record.value for record in records],
        "spread": [spread(record) for record in records],
    }
