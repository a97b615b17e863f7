"""Data sets of music audio as LightningDataModules."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datamodules.audio_folder.datamodule import AudioFolderDataModule
    from datamodules.clips import ClipDataModule, ClipDataset, ClipSource, Part
    from datamodules.dmelodies.datamodule import DMelodiesDataModule
    from datamodules.errors import DataError
    from datamodules.nsynth.datamodule import NSynthDataModule
    from datamodules.urmp.datamodule import URMPDataModule

__all__ = [
    "AudioFolderDataModule",
    "ClipDataModule",
    "ClipDataset",
    "ClipSource",
    "DMelodiesDataModule",
    "DataError",
    "NSynthDataModule",
    "Part",
    "URMPDataModule",
]
_MODULES = {
    "AudioFolderDataModule": "datamodules.audio_folder.datamodule",
    **dict.fromkeys(("ClipDataModule", "ClipDataset", "ClipSource", "Part"), "datamodules.clips"),
    "DMelodiesDataModule": "datamodules.dmelodies.datamodule",
    "DataError": "datamodules.errors",
    "NSynthDataModule": "datamodules.nsynth.datamodule",
    "URMPDataModule": "datamodules.urmp.datamodule",
}


def __getattr__(name: str) -> Any:
    """Imports torch and Lightning only for those who ask for data, and not for a look at files below."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
