"""What a model's scores are worth once the instrument follows v: a score against macro F1 after the global swap."""

from matplotlib.figure import Figure

from lightning_app.evaluation.scores import Score, macro_f1
from lightning_app.figures.model_legend import MARKERS, add_legend
from lightning_app.runs.scored_runs import ScoredRuns

GLOBAL_SWAP = macro_f1("global_swap")
UNIT_RANGE, UNIT_TICKS = (-0.1, 1.1), (0.0, 0.25, 0.5, 0.75, 1.0)
"""Limits of an axis from 0 to 1, with room for markers on the bounds."""
_BESIDE = 0.045


def draw_scatter(scored: ScoredRuns, score: Score) -> Figure:
    """Draws a panel for each z_dim, with a marker for each run.

    Runs of several models often have the very same scores, like two of 1. So the models' markers lie side by side,
    moved along the axis of F1; the figure says by how much at most.

    Args:
        scored: The runs.
        score: The score of the vertical axis.
    """
    z_dims, n_models = scored.distinct("z_dim"), len(scored.models)
    figure = Figure(figsize=(3.2 * len(z_dims) + 2.6, 3.8), layout="constrained")
    panels = figure.subplots(1, len(z_dims), squeeze=False, sharex=True, sharey=True)[0]
    for panel, z_dim in zip(panels, z_dims, strict=True):
        for number, (name, style) in enumerate(scored.models.items()):
            shift = _BESIDE * (number - (n_models - 1) / 2)
            for posterior in scored.distinct("posterior"):
                which = {"model": name, "posterior": posterior, "z_dim": z_dim}
                f1 = [value + shift for value in scored.values(GLOBAL_SWAP.key, **which)]
                drawn = {"color": style.colour, "label": f"{style.label}, {posterior} q", **MARKERS[posterior]}
                panel.plot(f1, scored.values(score.key, **which), linestyle="none", **drawn)
        panel.set_title(f"{scored.data_label}, z_dim {z_dim}", fontsize=10)
        panel.set_xlabel(GLOBAL_SWAP.title)
        panel.grid(alpha=0.3)
    panels[0].set(xlim=UNIT_RANGE, xticks=UNIT_TICKS, ylabel=score.title)
    moved = _BESIDE * (n_models - 1) / 2
    figure.supxlabel(
        f"Models are drawn side by side: their markers are moved along the axis of F1, by {moved:.2g} at most.",
        fontsize=8,
    )
    add_legend(figure, scored)
    return figure
