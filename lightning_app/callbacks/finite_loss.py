"""Stops a run whose loss is no longer a number."""

import math

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from lightning_app.errors import RunError


class FiniteLoss(Callback):
    """Ends training, before the step that would spoil the weights, when the loss is NaN or infinite.

    Raises:
        RunError: Names the epoch, the step, the terms that are not finite, and what to try.
    """

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        value = loss.item()
        if math.isfinite(value):
            return
        terms = {name: float(term) for name, term in trainer.callback_metrics.items() if name.startswith("train/")}
        named = ", ".join(f"{name} = {term}" for name, term in terms.items() if not math.isfinite(term))
        raise RunError(
            f"the loss became {value} in epoch {trainer.current_epoch}, step {trainer.global_step} ({named}). "
            "Checkpoints of earlier epochs are whole. Lower the learning rate (--model.learning_rate), clip gradients "
            "(--trainer.gradient_clip_val 1.0), or look for clips without a finite log-mel."
        )
