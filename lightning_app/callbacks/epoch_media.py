"""When media are written: every few epochs, after the last one, and after ``test``."""

import shutil
from abc import abstractmethod

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.runs.run_folder import RunFolder


class EpochMedia(Callback):
    """Calls `write` with the folder's name under ``media/``: ``epoch_0010``, or ``test``; never in a dry run.

    Args:
        every_n_epochs: How often during training, 1 or more.
    """

    def __init__(self, every_n_epochs: int) -> None:
        self.every_n_epochs = every_n_epochs
        self._last_shown: int | None = None

    @abstractmethod
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        """Writes what there is to see and hear; called on every process."""

    @rank_zero_only
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # A run that goes on from an earlier epoch than it had reached is shown as it is now.
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            for folder in RunFolder.of(trainer).media_after(trainer.current_epoch):
                shutil.rmtree(folder)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            self._last_shown = trainer.current_epoch + 1
            self._write(trainer, pl_module, f"epoch_{trainer.current_epoch + 1:04d}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._last_shown != trainer.current_epoch:
            self._write(trainer, pl_module, f"epoch_{trainer.current_epoch:04d}")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._write(trainer, pl_module, "test")

    def _write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self.write(trainer, module, name)
