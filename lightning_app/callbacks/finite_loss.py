"""Stops a run whose loss, gradients or weights are no longer numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.utils import get_total_norm

from lightning_app.errors import RunError

_SHOWN = 3


class FiniteLoss(Callback):
    """Ends a run at the first training or validation batch whose loss, or whose gradient, is NaN or infinite.

    The steps of the model return their loss, or a mapping with it, its terms, and whatever else they like. No
    checkpoint holds weights that are not finite: a batch that spoils them ends the run before one is saved, and so does
    the saving of what was spoilt in another way, so that the last good checkpoint stays.

    In ``16-mixed`` gradients overflow now and then; the trainer then leaves out the step, and training goes on.

    Raises:
        RunError: Names the epoch, the batch, the step, the clips, the values that are not finite, and what to try.
    """

    def __init__(self) -> None:
        self._spoilt: list[str] = []

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            return  # which looks itself, and skips the step
        gradients = {name: one.grad for name, one in pl_module.named_parameters() if one.grad is not None}
        # One number tells nearly always that there is nothing to look for.
        if not torch.isfinite(get_total_norm(gradients.values())):
            self._spoilt = _not_finite(gradients)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        where = f"epoch {trainer.current_epoch}, batch {batch_idx}"
        wrong = _terms_not_finite(outputs) or (f"the gradient of {_listed(self._spoilt)}" if self._spoilt else "")
        _require_nothing(wrong, where, trainer, pl_module, batch)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        where = f"epoch {trainer.current_epoch}, validation batch {batch_idx}"
        _require_nothing(_terms_not_finite(outputs), where, trainer, pl_module, batch)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        weights = {name: value for name, value in checkpoint["state_dict"].items() if isinstance(value, Tensor)}
        if spoilt := _not_finite(weights):
            raise RunError(_diverged(f"epoch {trainer.current_epoch}", trainer, _listed(spoilt), "", pl_module))


def _terms_not_finite(outputs: Any) -> str:
    """What a step returned that is not finite; nothing where its loss is."""
    returned = outputs if isinstance(outputs, Mapping) else {"loss": outputs}
    terms = {name: torch.as_tensor(value) for name, value in returned.items() if isinstance(value, Tensor | float)}
    if "loss" not in terms or torch.isfinite(terms["loss"]).all():
        return ""
    return ", ".join(_described(name, value) for name, value in terms.items() if not torch.isfinite(value).all())


def _require_nothing(wrong: str, where: str, trainer: Trainer, module: LightningModule, batch: Any) -> None:
    if wrong:
        raise RunError(_diverged(where, trainer, wrong, _clips(trainer, batch), module))


def _diverged(where: str, trainer: Trainer, wrong: str, clips: str, module: LightningModule) -> str:
    return (
        f"the model diverged in {where}, step {trainer.global_step}: {wrong}.{clips} Checkpoints of earlier epochs are "
        f"whole. Lower the learning rate{_option_of_learning_rate(module)}, clip gradients "
        "(--trainer.gradient_clip_val 1.0), or look for clips that are not finite."
    )


def _clips(trainer: Trainer, batch: Any) -> str:
    """Names the clips of a batch: those that are not finite, where there are such, or else all."""
    if not isinstance(batch, Mapping) or not isinstance(batch.get("index"), Tensor):
        return ""
    indices, heard = batch["index"].cpu(), batch.get("x")
    spoilt = torch.zeros(len(indices), dtype=torch.bool)
    if isinstance(heard, Tensor) and len(heard) == len(indices):
        spoilt = ~torch.isfinite(heard.flatten(1)).all(dim=1).cpu()
    chosen = (indices[spoilt] if spoilt.any() else indices).numpy()
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    names = data.clip_names(chosen) if hasattr(data, "clip_names") else np.char.mod("clip %d", chosen).tolist()
    return f" Not finite is the input of {_listed(names)}." if spoilt.any() else f" The batch has {_listed(names)}."


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    return [
        _described(name, value)
        for name, value in tensors.items()
        if value.is_floating_point() and not torch.isfinite(value).all()
    ]


def _described(name: str, value: Tensor) -> str:
    if not value.ndim:
        return f"{name} = {float(value)}"
    return f"{name} ({int((~torch.isfinite(value)).sum())} of {value.numel()} values)"


def _option_of_learning_rate(module: LightningModule) -> str:
    # An optimiser of the configuration takes the place of the model's own, on the instance.
    if "configure_optimizers" in vars(module):
        return " (--optimizer.lr)"
    return " (--model.learning_rate)" if "learning_rate" in module.hparams else ""
