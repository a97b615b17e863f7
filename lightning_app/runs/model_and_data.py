"""The arguments of a model and its data, which the command line and `load_run` share."""

from collections.abc import Sequence

from lightning import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser

import modules  # noqa: F401, so that classes are known by their names alone
from datamodules import (  # noqa: F401, likewise
    AudioFolderDataModule,
    DMelodiesDataModule,
    NSynthDataModule,
    URMPDataModule,
)
from lightning_app.errors import RunError


def add_model_and_data(parser: LightningArgumentParser) -> None:
    """Adds any model and any data set to a parser, under ``model`` and ``data``.

    A model gets what follows from its data where it takes that: ``x_shape`` and ``attribute_names``.
    """
    add_data(parser)
    _add_model(parser)


class KnownOfData:
    """What follows from data for their model, in the place of the data themselves.

    Args:
        x_shape: Shape of a clip as the model hears it.
        attributes: Names of the attributes.
    """

    def __init__(self, x_shape: Sequence[int], attributes: Sequence[str]) -> None:
        self.x_shape = tuple(x_shape)
        self.attributes = tuple(attributes)


def add_model_and_known(parser: LightningArgumentParser) -> None:
    """Adds any model to a parser, and under ``data`` what is known of its data (`KnownOfData`)."""
    parser.add_class_arguments(KnownOfData, "data")
    _add_model(parser)


def add_data(parser: LightningArgumentParser) -> None:
    """Adds any data set to a parser, under ``data``."""
    parser.add_lightning_class_args(LightningDataModule, "data", subclass_mode=True)


def _add_model(parser: LightningArgumentParser) -> None:
    parser.add_lightning_class_args(LightningModule, "model", subclass_mode=True)
    parser.link_arguments("data", "model.init_args.x_shape", _x_shape, apply_on="instantiate")
    parser.link_arguments("data", "model.init_args.attribute_names", _attribute_names, apply_on="instantiate")


def _x_shape(data: LightningDataModule | KnownOfData) -> tuple[int, ...]:
    if not hasattr(data, "x_shape"):
        raise RunError(
            f"{type(data).__name__} has no x_shape, from which the sizes of the model follow (see "
            "datamodules.protocols.ClipData); base it on datamodules.ClipDataModule."
        )
    return data.x_shape


def _attribute_names(data: LightningDataModule | KnownOfData) -> tuple[str, ...]:
    return getattr(data, "attributes", ())
