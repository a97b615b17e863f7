"""Ends a training at a signal, with a checkpoint to go on from."""

import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_app.runs.run_folder import RunFolder

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(Callback):
    """Takes Ctrl-C and SIGTERM as the wish to stop: writes ``last.ckpt`` at the end of a step, and ends training.

    The step is the next one after which a training can go on as if it had not stopped: not the last of an epoch, whose
    validation is still to come, and none that only adds to gradients. A second signal ends training at once, without
    a checkpoint. All processes stop at the same step, whichever of them was told.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
        SIGTERMException: After SIGTERM.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._received = None
        if threading.current_thread() is threading.main_thread():  # no other can be told
            self._before = {one: signal.signal(one, self._receive) for one in _SIGNALS}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        received = self._received
        if trainer.world_size > 1:
            received = _greatest(trainer, received)
        if received is None or not _can_go_on_from(trainer, batch_idx):
            return
        if trainer.checkpoint_callbacks and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            path = RunFolder.of(trainer).last_checkpoint
            trainer.save_checkpoint(path)
            if trainer.is_global_zero:
                where = f"in epoch {trainer.current_epoch}, after batch {batch_idx}"
                print(f"\nStopped {where}. --ckpt_path last goes on from there ({path}).", file=sys.stderr)
        _stop(received)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            _stop(number)
        self._received = number
        print("\nStopping after this step, with a checkpoint; once more stops at once.", file=sys.stderr)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


def _stop(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else SIGTERMException


def _greatest(trainer: Trainer, received: int | None) -> int | None:
    """The signal that any process has received; all must ask."""
    strategy = trainer.strategy
    asked = [number for number in _SIGNALS if strategy.reduce_boolean_decision(received == number, all=False)]
    return asked[-1] if asked else None


def _can_go_on_from(trainer: Trainer, batch_idx: int) -> bool:
    done = batch_idx + 1
    validates = isinstance(trainer.val_check_batch, int) and done % trainer.val_check_batch == 0
    return done < trainer.num_training_batches and done % trainer.accumulate_grad_batches == 0 and not validates
