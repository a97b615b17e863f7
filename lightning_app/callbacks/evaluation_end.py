"""Ends an evaluation at SIGTERM."""

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from lightning_app.termination import raise_at_sigterm


class EvaluationEnd(Callback):
    """Has SIGTERM end an evaluation at once: Lightning looks for it between batches, and much of the work comes after.

    A training is left to Lightning, and so are several processes, which it ends together.
    """

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == TrainerFn.VALIDATING:
            _end_at_once(trainer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _end_at_once(trainer)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _end_at_once(trainer)


def _end_at_once(trainer: Trainer) -> None:
    if trainer.world_size == 1:
        raise_at_sigterm()  # Lightning puts back afterwards what was there before its own handler
