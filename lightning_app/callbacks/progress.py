"""The progress bar."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class StageProgressBar(RichProgressBar):
    """Rich progress bar that names the training stage, where the model has one, and the terms of the training loss."""

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        named = {name.removeprefix("train/"): value for name, value in metrics.items()}
        return {"stage": str(pl_module.stage)} | named if hasattr(pl_module, "stage") else named
