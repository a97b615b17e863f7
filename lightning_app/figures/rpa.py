"""Figure 5 of Luo et al. (2022): does the melody follow z?"""

from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_app.evaluation.scores import pitch_accuracy
from lightning_app.figures.model_legend import LINES, MARKERS, add_legend
from lightning_app.figures.saving import save_figure
from lightning_app.runs.scored_runs import ScoredRuns, scored_runs

_PANELS = [pitch_accuracy(step) for step in ("pre_swap", "global_swap", "local_swap")]
_WIDTH = 0.8  # of all that is drawn at one z_dim, of the distance to the next


def rpa(output: Path | None = None, **selection: Any) -> None:
    """Draws raw pitch accuracy over z_dim before the swap, after the global and after the local swap.

    A marker is a run; lines go through the means over the seeds.

    Args:
        output: Folder of ``rpa_<data>.png``, ``.svg`` and ``.csv``; by default ``figures`` beside the runs.
        **selection: The runs to show, as in `scored_runs`.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    scored = scored_runs("rpa", [score.key for score in _PANELS], ["rpa_model", "n_audio_clips"], **selection)
    figure = Figure(figsize=(13, 3.8), layout="constrained")
    panels = figure.subplots(1, len(_PANELS), sharex=True, sharey=True)
    for panel, score in zip(panels, _PANELS, strict=True):
        _draw(panel, scored, score.key)
        panel.set_title(f"{scored.data_label}, {score.title}", fontsize=10)
    panels[0].set_ylabel("raw pitch accuracy")
    add_legend(figure, scored, LINES)
    save_figure(figure, scored.path("rpa", output), scored.table(), f"{len(scored.runs)} runs")


def _draw(panel: Axes, scored: ScoredRuns, score: str) -> None:
    z_dims, posteriors = scored.distinct("z_dim"), scored.distinct("posterior")
    shown = [(name, posterior) for name in scored.models for posterior in posteriors]
    for number, (name, posterior) in enumerate(shown):
        # Beside one another, so that equal accuracies can be told apart.
        shift = _WIDTH * ((number + 0.5) / len(shown) - 0.5)
        by_z_dim = [scored.values(score, model=name, posterior=posterior, z_dim=z_dim) for z_dim in z_dims]
        style: dict[str, Any] = {
            "color": scored.models[name].colour,
            "label": f"{scored.models[name].label}, {posterior} q",
        }
        positions = [position + shift for position in range(len(z_dims))]
        panel.plot(positions, [mean(values) for values in by_z_dim], LINES[posterior], linewidth=1.2, **style)
        for position, values in zip(positions, by_z_dim, strict=True):
            panel.plot([position] * len(values), values, linestyle="none", **style, **MARKERS[posterior])
    panel.set_xticks(range(len(z_dims)), [str(z_dim) for z_dim in z_dims])
    panel.set_xlabel("z_dim")
    panel.grid(alpha=0.3, axis="y")
