"""Stops a run whose loss is no longer a number."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from lightning_app.errors import RunError


class FiniteLoss(Callback):
    """Ends a run at the first training or validation batch whose loss is NaN or infinite.

    The steps of the model return their loss, or a mapping with it, its terms, and whatever else they like. A step that
    spoils the weights shows in the next batch, of training or of validation, so no checkpoint of the end of an epoch
    holds them.

    Raises:
        RunError: Names the epoch, the batch, the values that are not finite, and what to try.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        _require_finite(outputs, f"epoch {trainer.current_epoch}, batch {batch_idx}", pl_module)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        _require_finite(outputs, f"epoch {trainer.current_epoch}, validation batch {batch_idx}", pl_module)


def _require_finite(outputs: Any, where: str, module: LightningModule) -> None:
    returned = outputs if isinstance(outputs, Mapping) else {"loss": outputs}
    terms = {name: torch.as_tensor(value) for name, value in returned.items() if isinstance(value, Tensor | float)}
    if "loss" not in terms or torch.isfinite(terms["loss"]).all():
        return
    named = ", ".join(_described(name, value) for name, value in terms.items() if not torch.isfinite(value).all())
    raise RunError(
        f"the model diverged in {where}: {named}. Checkpoints of earlier epochs are whole. Lower the learning rate"
        f"{_option_of_learning_rate(module)}, clip gradients (--trainer.gradient_clip_val 1.0), or look for clips that "
        "are not finite."
    )


def _described(name: str, value: Tensor) -> str:
    if not value.ndim:
        return f"{name} = {float(value)}"
    return f"{name} ({int((~torch.isfinite(value)).sum())} of {value.numel()} values)"


def _option_of_learning_rate(module: LightningModule) -> str:
    # An optimiser of the configuration takes the place of the model's own, on the instance.
    if "configure_optimizers" in vars(module):
        return " (--optimizer.lr)"
    return " (--model.learning_rate)" if "learning_rate" in module.hparams else ""
