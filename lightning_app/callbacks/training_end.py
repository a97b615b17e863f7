"""Tells whether a run's training has come to its end."""

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.runs.checkpoint import trained_step
from lightning_app.runs.run_folder import RunFolder, Training


class TrainingEnd(Callback):
    """Marks the run's folder when training ends by itself: at its length, or early; a dry run does not count."""

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            RunFolder.of(trainer).unmark()

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        folder = RunFolder.of(trainer)
        best_step = trained_step(folder.best_checkpoint)
        folder.mark_trained(Training(trainer.current_epoch, trainer.global_step, best_step))
