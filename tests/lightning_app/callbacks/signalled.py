"""A callback for trainings that tests stop: sends a signal to its own process."""

import os

from lightning import Callback


class Signalled(Callback):
    """Sends signals before a batch of training.

    Args:
        signals: Numbers of the signals.
        epoch: The epoch of the batch.
        batch: Its number in the epoch.
    """

    def __init__(self, signals: list[int], epoch: int = 1, batch: int = 0) -> None:
        self.signals, self.epoch, self.batch = signals, epoch, batch

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (self.epoch, self.batch):
            for number in self.signals:
                os.kill(os.getpid(), number)
