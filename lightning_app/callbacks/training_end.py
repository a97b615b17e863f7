"""Tells whether a run's training has come to its end."""

from contextlib import suppress
from enum import StrEnum

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.errors import RunError
from lightning_app.runs.checkpoint import trained_step
from lightning_app.runs.run_folder import RunFolder, Training


class Ending(StrEnum):
    """What ended a training."""

    MAX_EPOCHS = "max_epochs"
    MAX_STEPS = "max_steps"
    EARLY_STOPPING = "early_stopping"
    MAX_TIME = "max_time"
    STOPPED = "stopped"
    """Another callback, or there was nothing to train on."""
    INTERRUPTED = "interrupted"
    """Ctrl-C, or another signal to end."""
    ERROR = "error"

    @property
    def is_finish(self) -> bool:
        """Whether training came to its end by itself, and would not go on if it were resumed."""
        return self in (Ending.MAX_EPOCHS, Ending.MAX_STEPS, Ending.EARLY_STOPPING)


class TrainingEnd(Callback):
    """Marks the run's folder when training ends: what ended it, and whether it is finished. Dry runs do not count.

    A training that is killed leaves no mark.
    """

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            RunFolder.of(trainer).unmark()

    @rank_zero_only
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if trainer.state.fn != TrainerFn.FITTING or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        folder = RunFolder.of(trainer)
        if not folder.config.is_file() or folder.training() is not None:
            return  # it failed before anything was trained
        ended = Ending.INTERRUPTED if isinstance(exception, (KeyboardInterrupt, SystemExit)) else Ending.ERROR
        with suppress(RunError):  # a full disk, say, which has ended it; no mark says the same of it
            folder.mark_trained(Training(trainer.current_epoch, trainer.global_step, None, ended.value, finished=False))

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        folder = RunFolder.of(trainer)
        best_step = trained_step(folder.best_checkpoint)
        ending = ending_of(trainer)
        mark = Training(trainer.current_epoch, trainer.global_step, best_step, ending.value, ending.is_finish)
        folder.mark_trained(mark)


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
