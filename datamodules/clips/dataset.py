"""The clips of one part of a data set, as a model's batches need them."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

RESERVED = ("x", "audio", "index", "group", "attributes")
"""Entries of a batch that no class may be called."""


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Some of a data set's clips, read as they are asked for.

    Each item has ``x`` (what the model hears) or ``audio`` (n_samples,), from which the data module makes it on the
    device; ``index``, the clip's number in the data set; ``group``; ``attributes`` (M,), where there are some; and for
    each class, by its name, the number of the clip's class.

    Args:
        content: ``x`` or ``audio``.
        read: Returns that of a clip by its number.
        indices: The clips, by their numbers in the data set, shape (n,).
        labels: Class of each clip of the whole data set, by the name of the class.
        groups: Group of each clip of the whole data set.
        attributes: Attributes of each clip of the whole data set, shape (n_clips, M).
    """

    def __init__(
        self,
        content: str,
        read: Callable[[int], NDArray[np.float32]],
        indices: NDArray[np.integer],
        labels: Mapping[str, NDArray[np.integer]],
        groups: NDArray[np.integer],
        attributes: NDArray[np.float32],
    ) -> None:
        self.indices = np.asarray(indices)
        self.labels = {name: np.asarray(values)[self.indices] for name, values in labels.items()}
        self.groups = np.asarray(groups)[self.indices]
        self.attributes = attributes[self.indices]
        self._content = content
        self._read = read

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        index = int(self.indices[item])
        clip = {
            self._content: torch.from_numpy(np.array(self._read(index))),
            "index": torch.tensor(index),
            "group": torch.tensor(int(self.groups[item])),
        }
        if self.attributes.shape[1]:
            clip["attributes"] = torch.from_numpy(self.attributes[item].copy())
        return clip | {name: torch.tensor(int(values[item])) for name, values in self.labels.items()}
