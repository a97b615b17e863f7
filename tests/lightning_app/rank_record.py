"""Callbacks for trainings that tests run in processes of their own."""

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import torch
from lightning import Callback

from datamodules.storage import whole


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


class Killed(Callback):
    """Has its own process killed, as a machine that goes down would.

    Args:
        moment: ``seconds`` after training has started; while a ``checkpoint`` is written; when the ``stage`` has just
            been switched; or in a ``validation``.
        seconds: How long after the start.
    """

    def __init__(self, moment: str, seconds: float = 0.0) -> None:
        self.moment, self.seconds = moment, seconds

    def on_train_start(self, trainer, pl_module):
        if self.moment == "seconds":
            threading.Timer(self.seconds, _kill).start()
        elif self.moment == "checkpoint":
            whole._flush = lambda draft: _kill() if draft.suffix == ".ckpt" else None
        elif self.moment == "stage":
            first, enter = pl_module.stage, pl_module.enter_stage

            def entered(stage, **options):
                enter(stage, **options)
                if stage is not first:
                    _kill()

            pl_module.enter_stage = entered

    def on_validation_batch_end(self, *_):
        if self.moment == "validation":
            _kill()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Unhurried(Callback):
    """Takes its time over every step, so that a process can be found at work.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        time.sleep(self.seconds)
