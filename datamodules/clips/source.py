"""What a data set is: a numbered collection of clips, and what is known of each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.split import split_by_group


class Part(IntEnum):
    """What a clip is for."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


class ClipSource(ABC):
    """A numbered collection of clips of equal length, with what is known of each.

    A data set has to say how many clips it has, what each sounds like, and what determines all of it; the rest has
    defaults. Instances are pickled, so that worker processes can make the audio.

    Attributes:
        name: Readable name, the start of the names of cache entries.
        sample_rate: Sample rate of the audio, in Hz.
        n_samples: Length of every clip, in samples.
        reads_files: Whether `audio` reads a file, which is fast enough for every step of training; else audio is made
            once and cached.
    """

    name: str
    sample_rate: int
    n_samples: int
    reads_files: bool = False

    def prepare(self) -> None:  # noqa: B027 (most sources have nothing to do)
        """Does once, on one process of a machine, what has to be done before the clips can be counted and heard.

        Raises:
            DataError: It cannot be done.
        """

    @abstractmethod
    def __len__(self) -> int:
        """The number of clips."""

    @abstractmethod
    def key(self) -> dict[str, Any]:
        """All that determines the audio, as JSON values."""

    @abstractmethod
    def audio(self, index: int) -> NDArray[np.float32]:
        """One clip, shape (n_samples,), in [-1, 1].

        Raises:
            DataError: It cannot be had; the message names it.
        """

    makes_true_swaps: bool = False
    """Whether `true_swap` makes clips anew."""

    def true_swap(self, index: int, classes: Mapping[str, str]) -> NDArray[np.float32] | None:
        """One clip made anew, with some of its classes replaced by others; None where that cannot be made."""
        return None

    def melodies(self, indices: NDArray[np.integer]) -> NDArray[np.floating] | None:
        """The pitch of clips over time, (n, ticks), as MIDI notes with NaN for rests; None where it is not known."""
        return None

    def audio_maker(self, index: int) -> Callable[[], NDArray[np.float32]]:
        """Returns what makes a clip's audio when it is called, light enough to be sent to a worker process."""
        return partial(self.audio, index)

    @property
    def class_names(self) -> Mapping[str, tuple[str, ...]]:
        """For each way to class the clips, such as by instrument, the names of its classes. Known before `prepare`."""
        return {}

    def labels(self) -> Mapping[str, NDArray[np.integer]]:
        """For each entry of `class_names`, the position of each clip's class there, shape (n_clips,)."""
        return {}

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Names of `attributes`. Known before `prepare`."""
        return ()

    def attributes(self) -> Mapping[str, NDArray[np.floating]]:
        """Attributes that are known without listening, such as pitch: each (n_clips,), NaN where a clip has none."""
        return {}

    def groups(self) -> NDArray[np.integer]:
        """The group of each clip, shape (n_clips,): all clips of a group are on one side of a split."""
        return np.arange(len(self))

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """Says what each clip is for, as values of `Part`, shape (n_clips,).

        Args:
            validation_fraction: Wanted share of validation clips, in (0, 1); a data set that has a split of its own
                ignores it.
            seed: Seed of the draw.

        Raises:
            DataError: One side would be empty.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        parts = np.empty(len(self), int)
        parts[order] = split_by_group(self.groups()[order], validation_fraction)
        return parts

    def attribute_folders(self) -> Mapping[Path, NDArray[np.integer]]:
        """Folders beside the data, each with the clips whose measured attributes it keeps; else these are cached."""
        return {}

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        """Names clips of these numbers, for messages and tables; different clips have different names."""
        return [f"{self.name} {index}" for index in indices.tolist()]

    def clip_states(self, indices: NDArray[np.integer]) -> list[str]:
        """Says what changes when the audio of a clip does, such as its file's time; empty where `key` tells all."""
        return [""] * len(indices)

    def texts(self) -> Mapping[str, str]:
        """Texts to keep in the cache entry, by file name."""
        return {}
