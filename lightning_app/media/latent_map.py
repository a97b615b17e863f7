"""A map of clips: each a point, coloured by its class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lightning_app.files import whole_file

# Okabe and Ito's colours, which the colour-blind tell apart, without the yellow that white swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "^", "s")
_MOST_CLASSES = len(_COLOURS) * len(_MARKERS)
_OTHERS = "#BBBBBB"


def save_latent_map(
    path: Path,
    points: NDArray[np.floating],
    axes: tuple[str, str],
    title: str,
    labels: NDArray[np.integer] | None = None,
    names: Sequence[str] = (),
    factor: str = "",
) -> None:
    """Draws a PNG of points, with a legend of their classes beside it.

    Up to 21 classes have a colour and a marker each; of more, the most frequent have, and the others are grey. More
    than seven that are numbers, such as pitches, are shades of one scale instead.

    Args:
        path: Path of the PNG.
        points: The points, (n, 2).
        axes: What the two coordinates are.
        title: What the points are.
        labels: The class of each point, (n,); None leaves them uncoloured.
        names: Names of all classes.
        factor: What the classes are.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axis = figure.subplots()
    axis.set_aspect("equal", "datalim")  # distances are what a map is for
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(axes[0], fontsize=8)
    axis.set_ylabel(axes[1], fontsize=8)
    axis.tick_params(labelsize=7)
    size = float(np.clip(8000 / len(points), 8, 40))
    present = [] if labels is None else np.unique(labels).tolist()
    if labels is None:
        _scatter(axis, points, size, color=_COLOURS[0])
    elif len(present) > len(_COLOURS) and all(_is_number(names[label]) for label in present):
        values = [float(names[label]) for label in labels]
        bar = figure.colorbar(_scatter(axis, points, size, c=values, cmap="viridis"), ax=axis)
        bar.set_label(factor, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    else:
        handles = _scatter_classes(axis, points, size, labels, names)
        figure.legend(handles=handles, loc="outside right upper", title=factor, fontsize=8, title_fontsize=8)
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=130)


def _scatter_classes(
    axis: Axes, points: NDArray[np.floating], size: float, labels: NDArray[np.integer], names: Sequence[str]
) -> list[Line2D]:
    """Draws the points of each class, and returns the entries of the legend."""
    present, counts = np.unique(labels, return_counts=True)
    shown = present
    if len(present) > _MOST_CLASSES:
        shown = np.sort(present[np.argsort(-counts, kind="stable")[: _MOST_CLASSES - 1]])
    styles = [(colour, marker) for marker in _MARKERS for colour in _COLOURS]
    groups = [(names[label], labels == label, *styles[number]) for number, label in enumerate(shown)]
    if len(shown) < len(present):
        others = ~np.isin(labels, shown)
        groups.append((f"{len(present) - len(shown)} others", others, _OTHERS, "o"))
    handles = []
    for name, chosen, colour, marker in groups:
        _scatter(axis, points[chosen], size, color=colour, marker=marker)
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=name))
    return handles


def _scatter(axis: Axes, points: NDArray[np.floating], size: float, **style: Any) -> PathCollection:
    return axis.scatter(points[:, 0], points[:, 1], s=size, linewidths=0, **style)


def _is_number(name: str) -> bool:
    return name.lstrip("-").isdigit()
