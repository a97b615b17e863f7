"""Stops a run whose loss is no longer a number."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from lightning_app.errors import RunError


class FiniteLoss(Callback):
    """Ends a run at the first training or validation batch whose loss is NaN or infinite.

    The steps of the model return their loss, or a mapping with it and its terms. A step that spoils the weights shows
    in the next batch, of training or of validation, so no checkpoint of the end of an epoch holds them.

    Raises:
        RunError: Names the epoch, the batch, the values that are not finite, and what to try.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        _require_finite(outputs, f"epoch {trainer.current_epoch}, batch {batch_idx}")

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        _require_finite(outputs, f"epoch {trainer.current_epoch}, validation batch {batch_idx}")


def _require_finite(outputs: Any, where: str) -> None:
    terms = outputs if isinstance(outputs, Mapping) else {"loss": outputs}
    if terms["loss"] is None or torch.isfinite(terms["loss"]):
        return
    named = ", ".join(f"{name} = {float(value)}" for name, value in terms.items() if not torch.isfinite(value))
    raise RunError(
        f"the model diverged in {where}: {named}. Checkpoints of earlier epochs are whole. Lower the learning rate "
        "(--model.learning_rate), clip gradients (--trainer.gradient_clip_val 1.0), or look for clips without a finite "
        "log-mel."
    )
