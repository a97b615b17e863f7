"""The parts of a run that callbacks for swaps work with, checked."""

from typing import cast

from lightning import LightningModule, Trainer

from datamodules.clips import ClipDataModule
from lightning_app.errors import RunError
from modules.dsae import DSAE


def clip_data(trainer: Trainer, factor: str) -> ClipDataModule:
    """Returns the run's data module.

    Args:
        trainer: Of the run.
        factor: The attribute that clips are paired by.

    Raises:
        RunError: The data has no such attribute, or its values have no names.
    """
    data = cast(ClipDataModule, trainer.datamodule)  # type: ignore[attr-defined]
    if factor not in data.class_names:
        raise RunError(f"this data has no factor '{factor}' to swap by; it has {', '.join(data.class_names)}.")
    return data


def swappable(module: LightningModule) -> DSAE:
    """Returns the run's model.

    Raises:
        RunError: It has no global and local latents to swap.
    """
    if not isinstance(module, DSAE):
        raise RunError(f"swaps are between the latents of a modules.DSAE; {type(module).__name__} has none.")
    return module
