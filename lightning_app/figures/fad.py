"""Figures 4 and 6 of Luo et al. (2022): the trade-off of disentanglement and reconstruction."""

from pathlib import Path
from typing import Any

from lightning_app.evaluation.scores import audio_distance, with_counts
from lightning_app.figures.saving import save_figure
from lightning_app.figures.score_scatter import GLOBAL_SWAP, draw_scatter
from lightning_app.runs.scored_runs import ScoredRuns, scored_runs
from modules.audio_embedding import EmbeddingName


def fad(embedding: EmbeddingName = "crepe-full", output: Path | None = None, **selection: Any) -> None:
    """Draws the Fréchet audio distance of reconstructions against macro F1 after the global swap, for each z_dim.

    Args:
        embedding: Embedding that the distance is measured in.
        output: Folder of ``fad_<embedding>_<data>.png``, ``.svg`` and ``.csv``; by default ``figures`` beside the runs.
        **selection: The runs to show, as in `scored_runs`.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    scored = scored_runs("fad", _scores(embedding), ["n_audio_clips"], **selection)
    _draw(scored, "fad", embedding, output)


def richer_decoder(embedding: EmbeddingName = "crepe-full", output: Path | None = None, **selection: Any) -> None:
    """Draws the Fréchet audio distance against macro F1 for DSAE, TS-DSAE, and TS-DSAE with the richer decoder.

    Args:
        embedding: Embedding that the distance is measured in.
        output: Folder of ``richer_decoder_<embedding>_<data>.png``, ``.svg`` and ``.csv``; by default ``figures``
            beside the runs.
        **selection: The runs to show, as in `scored_runs`.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    scored = scored_runs("richer_decoder", _scores(embedding), ["n_audio_clips"], **selection)
    _draw(scored, "richer_decoder", embedding, output)


def _scores(embedding: str) -> list[str]:
    return [GLOBAL_SWAP.key, *with_counts(audio_distance(embedding))]


def _draw(scored: ScoredRuns, name: str, embedding: str, output: Path | None) -> None:
    figure = draw_scatter(scored, audio_distance(embedding))
    save_figure(figure, scored.path(f"{name}_{embedding}", output), scored.table(), f"{len(scored.runs)} runs")
