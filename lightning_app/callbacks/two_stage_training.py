"""The schedule of two-stage training (Luo et al. 2022, section 3.1)."""

import math
from typing import Any, cast

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_warn

from lightning_app.errors import RunError
from modules.protocols import Stage, TwoStage, lacking


class TwoStageTraining(Callback):
    """Moves a model from the constrained stage to the second one, and freezes what each stage freezes.

    In the constrained stage the local encoder and the transition prior are frozen. The stage is part of the model's
    state, and what is frozen follows from it and the epoch whenever training starts, so a run resumed from a checkpoint
    of either stage goes on as if it had not stopped.

    The second stage has a new objective, so early stopping and the choice of the best checkpoint start afresh there,
    and early stopping never ends the constrained stage. Training that will end or has ended before the second stage is
    warned of, and so are tests of its checkpoints. The number of the stage, 1 or 2, is logged as ``stage``.

    Freezing waits until training has started: what is frozen when DDP wraps the model is never synchronised later.
    Multi-GPU runs need a strategy that finds unused parameters, like ``ddp_find_unused_parameters_true``.

    Args:
        constrained_epochs: C, the epochs of the first stage.
        informed_prior: Whether the snapshot of the global encoder becomes the prior of v (eq. (3)); else it stays
            N(0, 1).
        freeze_global_encoder: Whether the global encoder is frozen in the second stage (DSAE-f).

    Raises:
        RunError: ``constrained_epochs`` below 1, or not that of the run that is resumed; a model without stages; or a
            DDP strategy that does not look for unused parameters.
    """

    def __init__(
        self, constrained_epochs: int, informed_prior: bool = True, freeze_global_encoder: bool = False
    ) -> None:
        if constrained_epochs < 1:
            raise RunError(
                f"schedule.constrained_epochs is {constrained_epochs}; it must be 1 or more. For training in one "
                "stage, leave the schedule out (--schedule null)."
            )
        self.constrained_epochs = constrained_epochs
        self.second_stage = Stage.INFORMED_PRIOR if informed_prior else Stage.JOINT
        self.freeze_global_encoder = freeze_global_encoder
        self._resumed_from: dict[str, Any] = {}

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be trained in two stages, before any work; see `lightning_app.callbacks.checks`."""
        if missing := lacking(model, TwoStage):
            raise RunError(
                f"{type(model).__name__} has no {', '.join(missing)}, which two-stage training needs of a model (see "
                "modules.protocols.TwoStage); train it in one stage with --schedule null."
            )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.check(pl_module, None, stage)
        if stage != "fit":
            return
        if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= self.constrained_epochs:
            rank_zero_warn(
                f"trainer.max_epochs is {trainer.max_epochs} and schedule.constrained_epochs "
                f"{self.constrained_epochs}: training ends before the second stage."
            )
        strategy = trainer.strategy
        if isinstance(strategy, DDPStrategy) and not strategy._ddp_kwargs.get("find_unused_parameters"):
            raise RunError(
                "two-stage training leaves frozen parameters out of a step, which this DDP strategy does not allow; "
                "use --trainer.strategy ddp_find_unused_parameters_true."
            )

    def state_dict(self) -> dict[str, Any]:
        return {"constrained_epochs": self.constrained_epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed_from = state_dict

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trained_with = self._resumed_from.get("constrained_epochs", self.constrained_epochs)
        if trained_with != self.constrained_epochs:
            raise RunError(
                f"the checkpoint's run has {trained_with} constrained epochs, this configuration "
                f"{self.constrained_epochs}; go on with --schedule.constrained_epochs {trained_with}, or with the "
                "config of its run."
            )
        steps = self.constrained_epochs * _steps_per_epoch(trainer)
        if 0 <= trainer.max_steps <= steps:
            rank_zero_warn(
                f"trainer.max_steps is {trainer.max_steps} and the {self.constrained_epochs} constrained epochs are "
                f"{steps} steps: training ends before the second stage."
            )
        self._enter_stage(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if pl_module.stage is Stage.CONSTRAINED:
            rank_zero_warn(
                f"training ended in the constrained stage, after {trainer.current_epoch} of its "
                f"{self.constrained_epochs} epochs: all its checkpoints, the best one too, are of the first stage. Go "
                "on from the last one with more epochs, steps or time."
            )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if pl_module.stage is Stage.CONSTRAINED:
            rank_zero_warn(
                "the model is of the constrained stage, where the local latents are untrained: its scores say nothing "
                f"of two-stage training. Train it for more than {self.constrained_epochs} epochs first."
            )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._enter_stage(trainer, pl_module)
        # Losses of the two stages cannot be compared; whoever reads the log can tell them apart.
        number = 1.0 if pl_module.stage is Stage.CONSTRAINED else 2.0
        pl_module.log("stage", number, on_step=False, on_epoch=True, batch_size=1)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if pl_module.stage is Stage.CONSTRAINED:
            _restart_early_stopping(trainer)

    def _enter_stage(self, trainer: Trainer, module: LightningModule) -> None:
        model = cast(TwoStage, module)  # see check
        constrained = trainer.current_epoch < self.constrained_epochs
        stage = Stage.CONSTRAINED if constrained else self.second_stage
        if not constrained and model.stage is not stage:
            _restart_early_stopping(trainer)
            _forget_checkpoints(trainer)
        model.enter_stage(stage, freeze_global_encoder=self.freeze_global_encoder)


def _steps_per_epoch(trainer: Trainer) -> float:
    n_batches = trainer.num_training_batches  # infinite where the loader has no length
    return math.ceil(n_batches / trainer.accumulate_grad_batches) if math.isfinite(n_batches) else math.inf


def _restart_early_stopping(trainer: Trainer) -> None:
    for stopping in trainer.early_stopping_callbacks:
        stopping.wait_count = 0
        stopping.best_score = _worst_score(stopping.mode)


def _forget_checkpoints(trainer: Trainer) -> None:
    """Drops the best checkpoints so far, files included: scores of another objective cannot be compared."""
    for checkpoint in trainer.checkpoint_callbacks:
        if not isinstance(checkpoint, ModelCheckpoint) or checkpoint.monitor is None:
            continue
        for path in checkpoint.best_k_models:
            trainer.strategy.remove_checkpoint(path)
        checkpoint.best_k_models = {}
        checkpoint.best_model_path = checkpoint.kth_best_model_path = ""
        checkpoint.best_model_score = checkpoint.current_score = None
        checkpoint.kth_value = _worst_score(checkpoint.mode)


def _worst_score(mode: str) -> torch.Tensor:
    return torch.tensor(torch.inf if mode == "min" else -torch.inf)
