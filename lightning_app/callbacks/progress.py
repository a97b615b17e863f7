"""The progress bar."""

from collections.abc import Callable
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar
from rich.progress import BarColumn, ProgressColumn


class StageProgressBar(RichProgressBar):
    """Rich progress bar in one line of 80 columns: the training loss, and the training stage where the model has one.

    The terms of the loss are in the logs.
    """

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        stage = f"{pl_module.stage} " if hasattr(pl_module, "stage") else ""
        return {f"{stage}loss": metrics["train/loss"]} if "train/loss" in metrics else {}

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        description, _, batches, time, _ = super().configure_columns(trainer)
        return [description, BarColumn(8), batches, time]

    def add_bar(self, description: str, total: int) -> Callable[[], None]:
        """Shows a second bar, for slow work inside the batches; returns what moves it on by one."""
        if self.progress is None or self.is_disabled:
            return lambda: None
        progress, task = self.progress, self._add_task(total, description)

        def advance() -> None:
            progress.advance(task)
            self.refresh()

        return advance


def bar_beside(trainer: Trainer, description: str, total: int) -> Callable[[], None]:
    """Adds a bar to the run's progress bar; without one, what it returns does nothing."""
    bar = trainer.progress_bar_callback
    return bar.add_bar(description, total) if isinstance(bar, StageProgressBar) else lambda: None
