"""What evaluations share: the number of clips they have scored, and how they tell what they found."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from lightning import Callback, Trainer
from numpy.typing import NDArray
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


class FirstSeen:
    """Tells clips that a sampler repeats, to fill a last batch or a process's share, from those that are new.

    Every process has to ask as often as the others, each with the clips of its own batch.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, index: Tensor) -> NDArray[np.bool_]:
        """Returns which clips of this process's batch no process has had before, nor one of lower rank now."""
        batches, own = [index.tolist()], 0
        if distributed.is_available() and distributed.is_initialized():
            batches, own = [[]] * distributed.get_world_size(), distributed.get_rank()
            distributed.all_gather_object(batches, index.tolist())
        new: list[list[bool]] = []
        for clips in batches:
            new.append([])
            for clip in clips:
                new[-1].append(clip not in self._seen)
                self._seen.add(clip)
        return np.array(new[own], bool)


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
