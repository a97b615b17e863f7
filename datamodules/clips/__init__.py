"""Sets of clips: a source says what there is, and what any model needs of it is written here once."""

from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.dataset import ClipDataset
from datamodules.clips.source import ClipSource, Part

__all__ = ["ClipDataModule", "ClipDataset", "ClipSource", "Part"]
