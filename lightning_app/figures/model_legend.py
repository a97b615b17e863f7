"""How models and inference networks look in the figures of the TS-DSAE paper."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lightning_app.runs.scored_runs import ScoredRuns

_HOLLOW = {"markerfacecolor": "none", "markeredgewidth": 1.3}
MARKERS: Mapping[str, Mapping[str, Any]] = {
    "factorised": {"marker": "o", "markersize": 4.5, **_HOLLOW},
    "full": {"marker": "s", "markersize": 8.0, **_HOLLOW},
}
"""Markers of the inference networks, of sizes at which one can be seen within the other."""
LINES: Mapping[str, Any] = {"factorised": "-", "full": ":"}


def add_legend(figure: Figure, scored: ScoredRuns, lines: Mapping[str, Any] | None = None) -> None:
    """Adds a legend beside the panels: a colour for each model, and a marker for each inference network.

    Args:
        figure: A figure with a constrained layout.
        scored: What is drawn.
        lines: The line of each inference network, where there are lines.
    """
    models = [Line2D([], [], color=style.colour, linewidth=5, label=style.label) for style in scored.models.values()]
    posteriors = [
        Line2D([], [], color="black", linestyle=(lines or {}).get(name, "none"), label=f"{name} q", **MARKERS[name])
        for name in scored.distinct("posterior")
    ]
    figure.legend(handles=[*models, *posteriors], loc="outside right center", frameon=False, labelspacing=0.9)
