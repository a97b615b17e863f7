"""The parts of a run that callbacks work with, checked."""

from typing import cast

from lightning import LightningModule, Trainer

from datamodules.clips import ClipDataModule
from datamodules.nsynth.datamodule import NSynthDataModule
from lightning_app.errors import RunError
from modules.dsae import DSAE
from modules.vae import BetaVAE


def clip_data(trainer: Trainer, factor: str) -> ClipDataModule:
    """Returns the run's data module.

    Args:
        trainer: Of the run.
        factor: The attribute that clips are paired by.

    Raises:
        RunError: The data has no such attribute, its values have no names, or there is one value alone.
    """
    data = cast(ClipDataModule, trainer.datamodule)  # type: ignore[attr-defined]
    if factor not in data.class_names:
        raise RunError(f"this data has no factor '{factor}' to swap by; it has {', '.join(data.class_names)}.")
    names = data.class_names[factor]
    if len(names) < 2:
        raise RunError(
            f"a swap is between clips of two classes, and this data has one {factor}, {', '.join(names)}; choose two "
            f"or more (--data.{factor}s), or leave swaps out (--evaluation null --media null)."
        )
    return data


def swappable(module: LightningModule) -> DSAE:
    """Returns the run's model.

    Raises:
        RunError: It has no global and local latents to swap.
    """
    if not isinstance(module, DSAE):
        raise RunError(f"swaps are between the latents of a modules.DSAE; {type(module).__name__} has none.")
    return module


def note_data(trainer: Trainer) -> NSynthDataModule:
    """Returns the run's data module of notes.

    Raises:
        RunError: The data are not notes with attributes.
    """
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, NSynthDataModule):
        raise RunError(f"attributes are of notes of a datamodules.NSynthDataModule; {type(data).__name__} has none.")
    return data


def regularized(module: LightningModule, data: NSynthDataModule) -> BetaVAE:
    """Returns the run's model, whose attributes are those of the data.

    Raises:
        RunError: It has no regularised dimensions, or other attributes.
    """
    if not isinstance(module, BetaVAE) or not module.regularized_dims:
        raise RunError(
            f"this evaluates regularised dimensions of a modules.BetaVAE; {type(module).__name__} has none "
            "here. Leave it out with --evaluation null --media null."
        )
    if module.attribute_names != data.attributes:
        raise RunError(
            f"the model's attributes are {', '.join(module.attribute_names)}, the data's {', '.join(data.attributes)}; "
            "they must be the same, in the same order (--model.attribute_names, --data.attributes)."
        )
    return module
