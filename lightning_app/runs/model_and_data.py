"""The arguments of a model and its data, which the command line and `load_run` share."""

from lightning import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser


def add_model_and_data(parser: LightningArgumentParser) -> None:
    """Adds any model and any data set to a parser, under ``model`` and ``data``."""
    parser.add_lightning_class_args(LightningModule, "model", subclass_mode=True)
    parser.add_lightning_class_args(LightningDataModule, "data", subclass_mode=True)
