"""Data sets of music audio as LightningDataModules."""

from datamodules.clips import ClipDataModule, ClipDataset, ClipSource, Part
from datamodules.dmelodies.datamodule import DMelodiesDataModule
from datamodules.errors import DataError
from datamodules.nsynth.datamodule import NSynthDataModule
from datamodules.urmp.datamodule import URMPDataModule

__all__ = [
    "ClipDataModule",
    "ClipDataset",
    "ClipSource",
    "DMelodiesDataModule",
    "DataError",
    "NSynthDataModule",
    "Part",
    "URMPDataModule",
]
