"""The progress bar."""

from collections.abc import Callable
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class StageProgressBar(RichProgressBar):
    """Rich progress bar that names the training stage, where the model has one, and the terms of the training loss."""

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        named = {name.removeprefix("train/"): value for name, value in metrics.items()}
        return {"stage": str(pl_module.stage)} | named if hasattr(pl_module, "stage") else named

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
