"""What evaluations, media and figures may ask of data; `datamodules.ClipDataModule` has all of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.audio.representation import Representation


class Clips(Protocol):
    """The clips of one part of the data.

    Attributes:
        indices: Numbers of the clips, shape (n,), as ``index`` in batches.
        labels: Class of each clip, (n,), by the name of the class.
        groups: Group of each clip, (n,), such as its melody.
    """

    indices: NDArray[np.integer]
    labels: Mapping[str, NDArray[np.integer]]
    groups: NDArray[np.integer]

    def __len__(self) -> int: ...

    def __getitem__(self, item: int) -> dict[str, Tensor]: ...


class ClipData(Protocol):
    """A data module of clips of equal length.

    Attributes:
        class_names: Names of the classes, by each way to class the clips.
        attributes: Names of the columns of ``attributes`` in batches.
        representation: What a model hears, and the way back.
        x_shape: Shape of a clip as the model hears it.
        n_samples: Length of every clip, in samples.
        batch_size: Clips in a batch.
        train_dataset: The training clips; like the next two, there after ``setup``.
        validation_dataset: The validation clips.
        test_dataset: The test clips, or the validation clips where there are none.
    """

    class_names: dict[str, tuple[str, ...]]
    attributes: tuple[str, ...]
    representation: Representation
    x_shape: tuple[int, ...]
    n_samples: int
    batch_size: int
    train_dataset: Clips
    validation_dataset: Clips
    test_dataset: Clips

    def audio(self, index: int) -> NDArray[np.float32]:
        """Returns the audio of a clip, (n_samples,), by its number."""
        ...

    def batch(
        self, dataset: Clips, positions: Sequence[int] | NDArray[np.integer], device: torch.device
    ) -> dict[str, Tensor]:
        """Returns some clips of a part as a batch on a device, as the loaders would give them to a model."""
        ...


class TrueSwaps(Protocol):
    """Data that may make what a perfect swap would sound like, where they know how each clip was made.

    Attributes:
        makes_true_swaps: Whether they do.
    """

    @property
    def makes_true_swaps(self) -> bool: ...

    def true_swap(self, index: int, classes: Mapping[str, str]) -> NDArray[np.float32] | None:
        """Makes a clip anew, with some of its classes replaced.

        Args:
            index: Number of the clip.
            classes: Name of the class to put in the place of its own, by the way of classing, an entry of
                ``class_names``.

        Returns:
            The audio, (n_samples,); None where that cannot be made.
        """
        ...


class Melodic(Protocol):
    """Data that may know what is played in each clip."""

    def melodies(self, indices: Sequence[int] | NDArray[np.integer]) -> NDArray[np.floating] | None:
        """Returns the pitch of clips over time, (n, ticks), as MIDI notes with NaN for rests; None if not known."""
        ...


class CachedData(Protocol):
    """Data that are kept in a cache, where what depends on them alone can be kept as well.

    Attributes:
        cache_dir: Folder of the cache.
        cache_key: The same where the clips and their representation are the same.
    """

    cache_dir: Path

    @property
    def cache_key(self) -> str: ...


class SharesBatches(Protocol):
    """Data whose loaders give each process its share of every batch, so that the Trainer must not divide them again.

    Attributes:
        shares_batches: Whether they do.
    """

    shares_batches: bool


OF_SETUP = ("train_dataset", "validation_dataset", "test_dataset")
"""What is there after ``setup`` alone."""
