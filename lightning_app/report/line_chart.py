"""Line charts as SVG whose colours are the page's, so that they follow dark mode and print."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 24
# Beyond this ratio of the largest to the smallest value, the small ones cannot be told apart without logarithms.
_LOGARITHMIC = 30.0


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        title: What it is of.
        x: Its places, ascending.
        y: Its values.
        colour: Number of its colour; those of one run are alike.
        dashed: Whether it is drawn dashed.
    """

    title: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: int
    dashed: bool


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: its place in the picture, and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Path:
    """A line as it is drawn: the path of an SVG, the number of its colour, and whether it is dashed."""

    d: str
    colour: int
    dashed: bool


@dataclass(frozen=True)
class Chart:
    """A chart as the page's template draws it.

    Attributes:
        title: What it shows.
        description: The same for those who do not see it: where each line begins and ends.
        logarithmic: Whether the values are on a logarithmic scale.
        paths: The lines.
        x_ticks: Ticks of the epochs.
        y_ticks: Ticks of the values.
        marks: Places of vertical lines.
    """

    title: str
    description: str
    logarithmic: bool
    paths: list[Path]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    marks: list[float]


def line_chart(title: str, lines: Sequence[Line], marks: Sequence[float] = ()) -> Chart:
    """Draws lines over epochs.

    Args:
        title: What the values are.
        lines: The lines, one or more, each with one or more values.
        marks: Epochs at which to draw a vertical line.
    """
    values = np.concatenate([line.y for line in lines])
    logarithmic = bool(values.min() > 0 and values.max() > _LOGARITHMIC * values.min())
    low, high = _padded(*(np.log10([values.min(), values.max()]) if logarithmic else (values.min(), values.max())))
    first = min(line.x[0] for line in lines)
    last = max(max(line.x[-1] for line in lines), first + 1)

    def across(x: float) -> float:
        return round(_LEFT + (x - first) / (last - first) * (WIDTH - _LEFT - _RIGHT), 1)

    def up(y: float) -> float:
        value = np.log10(y) if logarithmic else y
        return round(float(_TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)), 1)

    paths = [
        Path("M" + "L".join(f"{across(x)} {up(y)}" for x, y in zip(line.x, line.y, strict=True)), line.colour,
             line.dashed)
        for line in lines
    ]  # fmt: skip
    epochs = [tick for tick in MaxNLocator(5, integer=True).tick_values(first, last) if first <= tick <= last]
    if logarithmic:
        candidates = LogLocator(subs=(1.0, 3.0) if high - low < 3 else (1.0,)).tick_values(10**low, 10**high)
        levels = [tick for tick in candidates if low <= np.log10(tick) <= high]
    else:
        levels = [tick for tick in MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    told = "; ".join(f"{line.title} from {line.y[0]:.3g} to {line.y[-1]:.3g}" for line in lines)
    return Chart(
        title,
        f"{title} over epochs {first:.0f} to {last:.0f}: {told}.",
        logarithmic,
        paths,
        [Tick(across(tick), f"{tick:.0f}") for tick in epochs],
        [Tick(up(tick), f"{tick:.4g}") for tick in levels],
        [across(mark) for mark in marks if first <= mark <= last],
    )


def _padded(low: float, high: float) -> tuple[float, float]:
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return float(low - room), float(high + room)
