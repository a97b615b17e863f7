"""What evaluations share: the number of clips they have scored, and how they tell what they found."""

from lightning import Trainer
from rich.console import Console
from rich.table import Table
from torch import Tensor, distributed

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


def logged_scores(trainer: Trainer) -> dict[str, float]:
    """Returns what was logged in ``test``, like the terms of the loss, by name."""
    prefix = "test/"
    metrics = trainer.callback_metrics.items()
    return {name.removeprefix(prefix): float(value) for name, value in metrics if name.startswith(prefix)}


def report(trainer: Trainer, record: EvaluationRecord, table: Table) -> None:
    """Prints a table, and writes the record to the run's folder unless the run is a dry one."""
    Console().print(table)
    if not trainer.fast_dev_run:  # type: ignore[attr-defined]
        folder = RunFolder.of(trainer)
        record.write(folder)
        Console().print(f"Written to {folder.evaluation}", soft_wrap=True)  # in one piece, to be copied
