"""Figure 3 of Luo et al. (2022): does the instrument follow v when it is swapped, and stay when z is?"""

from pathlib import Path
from typing import Any

from lightning_app.evaluation.scores import macro_f1
from lightning_app.figures.saving import save_figure
from lightning_app.figures.score_scatter import GLOBAL_SWAP, UNIT_RANGE, UNIT_TICKS, draw_scatter
from lightning_app.runs.scored_runs import scored_runs

LOCAL_SWAP = macro_f1("local_swap")


def swap_f1(output: Path | None = None, **selection: Any) -> None:
    """Draws macro F1 of the instrument after the local swap against that after the global swap, for each z_dim.

    Args:
        output: Folder of ``swap_f1_<data>.png``, ``.svg`` and ``.csv``; by default ``figures`` beside the runs.
        **selection: The runs to show, as in `scored_runs`.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    scored = scored_runs("swap_f1", [macro_f1("pre_swap").key, GLOBAL_SWAP.key, LOCAL_SWAP.key], [], **selection)
    figure = draw_scatter(scored, LOCAL_SWAP)
    figure.axes[0].set(ylim=UNIT_RANGE, yticks=UNIT_TICKS)
    save_figure(figure, scored.path("swap_f1", output), scored.table(), f"{len(scored.runs)} runs")
