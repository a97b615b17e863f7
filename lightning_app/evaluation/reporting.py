"""What evaluations share: the number of clips they have scored, and how they tell what they found."""

from collections.abc import Mapping
from typing import Any

from lightning import Callback, Trainer
from rich.console import Console
from rich.table import Table
from torch import Tensor, distributed

from lightning_app.runs.checkpoint import evaluated_state
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder


class ClipCount:
    """Counts clips, over all processes; one that is seen twice counts once."""

    def __init__(self) -> None:
        self._clips: set[int] = set()

    def add(self, index: Tensor) -> None:
        """Adds the clips of a batch by their numbers."""
        self._clips.update(index.tolist())

    def total(self) -> int:
        """Returns the number of clips; to be called on every process."""
        clips = [self._clips]
        if distributed.is_available() and distributed.is_initialized():
            clips = [set()] * distributed.get_world_size()
            distributed.all_gather_object(clips, self._clips)
        return len(set().union(*clips))


def record_of_test(
    trainer: Trainer,
    evaluation: Callback,
    settings: dict[str, Any],
    n_clips: int,
    scores: Mapping[str, float] | None = None,
) -> EvaluationRecord:
    """Returns the record of a ``test``: what was logged in it, like the terms of the loss, and of which checkpoint.

    Args:
        trainer: Has just run ``test``.
        evaluation: What has scored; the record is of its kind.
        settings: What the scores depend on besides the model.
        n_clips: Number of clips that were scored.
        scores: Scores by their keys that take the place of the logged ones, which are rounded to float32.
    """
    prefix = "test/"
    metrics = trainer.callback_metrics.items()
    logged = {name.removeprefix(prefix): float(value) for name, value in metrics if name.startswith(prefix)}
    state = evaluated_state(trainer.ckpt_path)
    return EvaluationRecord(type(evaluation).__name__, {**logged, **(scores or {})}, settings, n_clips, **state)


def report(trainer: Trainer, record: EvaluationRecord, table: Table) -> None:
    """Prints a table, and writes the record to the run's folder unless the run is a dry one."""
    Console().print(table)
    if not trainer.fast_dev_run:  # type: ignore[attr-defined]
        folder = RunFolder.of(trainer)
        record.write(folder)
        Console().print(f"Written to {folder.evaluation}", soft_wrap=True)  # in one piece, to be copied
