"""How evaluations tell what they found."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from lightning import Callback, Trainer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datamodules.protocols import ClipData
from lightning_app.evaluation.measurement import Measured
from lightning_app.evaluation.scores import Score
from lightning_app.runs.checkpoint import evaluated_state
from lightning_app.runs.clip_scores import ClipScores
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder

_NAMED = 3  # outliers below a table; the record has more


def record_of_test(
    trainer: Trainer,
    evaluation: Callback,
    settings: dict[str, Any],
    n_clips: int,
    measured: Mapping[str, Measured] | None = None,
    outliers: Mapping[str, list[dict[str, Any]]] | None = None,
) -> EvaluationRecord:
    """Returns the record of a ``test``: what was logged in it, like the terms of the loss, and of which checkpoint.

    Args:
        trainer: Has just run ``test``.
        evaluation: What has scored; the record is of its kind.
        settings: What the scores depend on besides the model.
        n_clips: Number of clips that were scored.
        measured: Scores by their keys that take the place of the logged ones, which are rounded to float32.
        outliers: The clips farthest from the data; see `EvaluationRecord`.
    """
    prefix = "test/"
    metrics = trainer.callback_metrics.items()
    logged = {name.removeprefix(prefix): float(value) for name, value in metrics if name.startswith(prefix)}
    state = evaluated_state(trainer.ckpt_path)
    measured = measured or {}
    scores = logged | {key: score.value for key, score in measured.items()}
    intervals = {key: list(score.interval) for key, score in measured.items() if score.interval is not None}
    return EvaluationRecord(
        type(evaluation).__name__,
        scores,
        settings,
        n_clips,
        **state,
        intervals=intervals,
        outliers=dict(outliers or {}),
    )


def clip_scores_of(data: ClipData, measured: Mapping[str, Measured]) -> ClipScores:
    """Returns what scores were made of, of those that are statistics over clips of the data."""
    kept = {key: score.clip_score for key, score in measured.items() if score.clip_score is not None}
    return ClipScores(np.sort(data.test_dataset.indices), kept)


def score_table(title: str, record: EvaluationRecord, known: Iterable[Score]) -> Table:
    """Returns a table of those scores that were measured, each with its interval over clips, and names outliers."""
    table = Table(title=title)
    table.add_column("score on the validation clips")
    table.add_column("value", justify="right")
    table.add_column("95 % over clips", justify="right")
    for score in known:
        if score.key in record.scores:
            ends = record.intervals.get(score.key)
            shown = "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
            table.add_row(score.label, f"{record.scores[score.key]:.3f}", shown)
    lines = [
        f"farthest from the data, by {embedding}: {', '.join(clip['name'] for clip in clips[:_NAMED])}"
        for embedding, clips in record.outliers.items()
    ]
    table.caption = escape("\n".join(lines)) if lines else None
    return table


def report(trainer: Trainer, record: EvaluationRecord, *tables: Table, clip_scores: ClipScores | None = None) -> None:
    """Prints tables, and writes the record to the run's folder unless the run is a dry one.

    Args:
        trainer: Has just run ``test``.
        record: What was found.
        tables: Tables to print.
        clip_scores: What the scores were made of, to compare runs by; those of an earlier ``test`` are removed.
    """
    for table in tables:
        Console().print(table)
    if not trainer.fast_dev_run:  # type: ignore[attr-defined]
        folder = RunFolder.of(trainer)
        record.write(folder)
        if clip_scores is None:
            folder.clip_scores.unlink(missing_ok=True)
        else:
            clip_scores.write(folder)
        Console().print(f"Written to {folder.evaluation}", soft_wrap=True)  # in one piece, to be copied
