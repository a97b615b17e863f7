"""Data sets of music audio as LightningDataModules."""

from datamodules.dmelodies.datamodule import DMelodiesDataModule
from datamodules.errors import DataError
from datamodules.log_magnitude import InverseLogMagnitude, LogMagnitude, LogMagnitudeSpec
from datamodules.log_mel import InverseLogMel, LogMel, LogMelSpec
from datamodules.nsynth.datamodule import NSynthDataModule
from datamodules.urmp.datamodule import URMPDataModule

__all__ = [
    "DMelodiesDataModule",
    "DataError",
    "InverseLogMagnitude",
    "InverseLogMel",
    "LogMagnitude",
    "LogMagnitudeSpec",
    "LogMel",
    "LogMelSpec",
    "NSynthDataModule",
    "URMPDataModule",
]
