"""Stops a run whose loss is no longer a number."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from lightning_app.errors import RunError


class FiniteLoss(Callback):
    """Ends training at the first step whose loss is NaN or infinite, before a checkpoint can hold its weights.

    Raises:
        RunError: Names the epoch, the step, the values of that step that are not finite, and what to try.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        terms = outputs if isinstance(outputs, Mapping) else {"loss": outputs}
        if torch.isfinite(terms["loss"]):
            return
        named = ", ".join(f"{name} = {float(value)}" for name, value in terms.items() if not torch.isfinite(value))
        raise RunError(
            f"training diverged in epoch {trainer.current_epoch}, batch {batch_idx}: {named}. Checkpoints of earlier "
            "epochs are whole. Lower the learning rate (--model.learning_rate), clip gradients "
            "(--trainer.gradient_clip_val 1.0), or look for clips without a finite log-mel."
        )
