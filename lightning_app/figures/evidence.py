"""Scores that tell models of global and local latents apart, over the size of the local latent."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_app.figures.over_seeds import margin
from lightning_app.figures.saving import save_figure
from lightning_app.runs.scored_runs import ScoredRuns, scored_runs

_SPREAD = 0.03  # of the places of models beside one another, as a share of the distance of two z_dims


class _Panel(NamedTuple):
    """A score, what its axis is called, and the value that a perfect model has."""

    score: str
    title: str
    perfect: float | None


def evidence(output: Path | None = None, factor: str = "instrument", **selection: Any) -> None:
    """Draws for each model, over z_dim, what tells models apart, with 95 % intervals of the mean over seeds.

    Macro F1 after the global swap, which the model's own encoder reads; what a judge hears of the factor in swaps; what
    is read of it from z; how near swaps are to the true ones; and the dimensions of v in use. A dashed line is what a
    perfect model has.

    Args:
        output: Folder of ``evidence_<data>.png``, ``.svg`` and ``.csv``; by default ``figures`` beside the runs.
        factor: The class that clips were swapped by.
        **selection: The runs to show, as in `scored_runs`.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    panels = [
        _Panel("swap_f1/global_swap", f"{factor} read from v, global swap (F1)", 1.0),
        _Panel(f"follows_v/{factor}", f"{factor} of swaps is v's (judge)", 1.0),
        _Panel(f"kept_with_v/{factor}", f"{factor} stays when z is drawn (judge)", 1.0),
        _Panel(f"read/z/{factor}/nonlinear", f"{factor} read from the mean of z (F1)", None),
        _Panel("counterfactual/global_swap", "nearness to the true global swap", 1.0),
        _Panel("counterfactual/local_swap", "nearness to the true local swap", 1.0),
        _Panel("active/v", "dimensions of v in use", None),
        _Panel("reconstruction", "reconstruction error", None),
    ]
    chance = f"chance/{factor}"
    scored = scored_runs("evidence", [*(panel.score for panel in panels), chance], ["n_counterfactuals"], **selection)
    columns = 4
    figure = Figure(figsize=(3.4 * columns, 6.4), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, sharex=True).ravel()
    for panel, ax in zip(panels, axes, strict=True):
        _draw(ax, scored, panel)
    at_chance = float(np.mean(scored.values(chance)))
    leak = axes[3]
    leak.axhline(at_chance, color="black", linestyle="--", linewidth=0.8)
    figure.supxlabel("z_dim", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    save_figure(figure, scored.path("evidence", output), scored.table(), f"{len(scored.runs)} runs")


def _draw(ax: Axes, scored: ScoredRuns, panel: _Panel) -> None:
    z_dims, names = scored.distinct("z_dim"), list(scored.models)
    for number, name in enumerate(names):
        values = [np.array(scored.values(panel.score, model=name, z_dim=z_dim)) for z_dim in z_dims]
        if not all(map(len, values)):
            continue
        places = np.log2(z_dims) + _SPREAD * (number - (len(names) - 1) / 2)
        style = scored.models[name]
        means, margins = [of.mean() for of in values], [margin(of) for of in values]
        ax.errorbar(places, means, margins, fmt="o-", color=style.colour, label=style.label, markersize=4, capsize=2.5)
    if panel.perfect is not None:
        ax.axhline(panel.perfect, color="black", linestyle="--", linewidth=0.8)
    ax.set_title(panel.title, fontsize=9)
    ax.set_xticks(np.log2(z_dims), [str(z_dim) for z_dim in z_dims])
    ax.grid(alpha=0.3)
