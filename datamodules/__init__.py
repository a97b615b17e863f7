"""Data sets of music audio as LightningDataModules."""

from datamodules.dmelodies.datamodule import DMelodiesDataModule
from datamodules.errors import DataError
from datamodules.log_mel import InverseLogMel, LogMel, LogMelSpec

__all__ = ["DMelodiesDataModule", "DataError", "InverseLogMel", "LogMel", "LogMelSpec"]
