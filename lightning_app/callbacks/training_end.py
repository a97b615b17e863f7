"""Tells whether a run's training has come to its end."""

import json
from enum import StrEnum
from pathlib import Path

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.files import whole_file

MARK = "training.json"
"""File in the run's folder; where training goes on, or has failed, there is none."""


class Ending(StrEnum):
    """What ended a training."""

    MAX_EPOCHS = "max_epochs"
    MAX_STEPS = "max_steps"
    EARLY_STOPPING = "early_stopping"
    MAX_TIME = "max_time"
    STOPPED = "stopped"
    """Another callback, or there was nothing to train on."""

    @property
    def is_finish(self) -> bool:
        """Whether training came to its end by itself, and would not go on if it were resumed."""
        return self in (Ending.MAX_EPOCHS, Ending.MAX_STEPS, Ending.EARLY_STOPPING)


class TrainingEnd(Callback):
    """Writes `MARK` when training ends: the numbers of epochs and steps, what ended it, and whether it is finished."""

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        (Path(trainer.default_root_dir) / MARK).unlink(missing_ok=True)

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        ending = ending_of(trainer)
        mark = {
            "epochs": trainer.current_epoch,
            "steps": trainer.global_step,
            "ended_by": ending,
            "finished": ending.is_finish,
        }
        with whole_file(Path(trainer.default_root_dir) / MARK) as draft:
            draft.write_text(json.dumps(mark) + "\n")


def ending_of(trainer: Trainer) -> Ending:
    """Returns what ended a training, once it has ended without an error."""
    if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch:
        return Ending.MAX_EPOCHS
    if 0 <= trainer.max_steps <= trainer.global_step:
        return Ending.MAX_STEPS
    for stopping in trainer.early_stopping_callbacks:
        # A resumed run knows that an earlier one was stopped; only the last epoch's stop is its own.
        is_own = stopping.stopped_epoch == trainer.current_epoch - 1
        if is_own and stopping.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            return Ending.EARLY_STOPPING
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    timers = [callback for callback in callbacks if isinstance(callback, Timer)]
    if any((left := timer.time_remaining()) is not None and left <= 0 for timer in timers):
        return Ending.MAX_TIME
    return Ending.STOPPED
