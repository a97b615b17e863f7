"""How far the model that is evaluated was trained."""

from pathlib import Path

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from lightning_app.runs.checkpoint import read_checkpoint


class CheckpointProgress(Callback):
    """Lets what evaluates a checkpoint be logged at the step and the epoch that it was trained to, and not at 0."""

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._restore(trainer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore(trainer)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore(trainer)

    def _restore(self, trainer: Trainer) -> None:
        loops = read_checkpoint(Path(trainer.ckpt_path)).get("loops") if trainer.ckpt_path else None
        if loops:  # not in a checkpoint of weights alone
            trainer.fit_loop.load_state_dict(loops["fit_loop"])
