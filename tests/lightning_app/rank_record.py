"""Callbacks for trainings that tests run in several processes."""

import hashlib
import os
import time
from pathlib import Path

import torch
from lightning import Callback


class RankRecord(Callback):
    """Writes what tells a process's weights at the end of each epoch, and which process it is.

    Args:
        folder: Folder of the files ``epoch<epoch>_rank<rank>`` and ``rank<rank>.pid``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def on_train_start(self, trainer, pl_module):
        draft = self.folder / f".rank{trainer.global_rank}"
        draft.write_text(str(os.getpid()))
        draft.rename(self.folder / f"rank{trainer.global_rank}.pid")

    def on_train_epoch_end(self, trainer, pl_module):
        digest = hashlib.sha256()
        for name, value in pl_module.state_dict().items():
            if isinstance(value, torch.Tensor):
                digest.update(name.encode() + value.numpy().tobytes())
        (self.folder / f"epoch{trainer.current_epoch}_rank{trainer.global_rank}").write_text(digest.hexdigest())


class Unhurried(Callback):
    """Takes its time over every step, so that a process can be found at work.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        time.sleep(self.seconds)
