"""Which clips an evaluation has seen, over all processes."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, distributed


class ClipCount:
    """Counts clips, over all processes; one that is seen twice counts once."""

    def __init__(self) -> None:
        self._clips: set[int] = set()

    def add(self, index: Tensor) -> None:
        """Adds the clips of a batch by their numbers."""
        self._clips.update(index.tolist())

    def total(self) -> int:
        """Returns the number of clips; to be called on every process."""
        clips = [self._clips]
        if distributed.is_available() and distributed.is_initialized():
            clips = [set()] * distributed.get_world_size()
            distributed.all_gather_object(clips, self._clips)
        return len(set().union(*clips))


class FirstSeen:
    """Tells clips that a sampler repeats, to fill a last batch or a process's share, from those that are new.

    Every process has to ask as often as the others, each with the clips of its own batch.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, index: Tensor) -> NDArray[np.bool_]:
        """Returns which clips of this process's batch no process has had before, nor one of lower rank now."""
        batches, own = [index.tolist()], 0
        if distributed.is_available() and distributed.is_initialized():
            batches, own = [[]] * distributed.get_world_size(), distributed.get_rank()
            distributed.all_gather_object(batches, index.tolist())
        new: list[list[bool]] = []
        for clips in batches:
            new.append([])
            for clip in clips:
                new[-1].append(clip not in self._seen)
                self._seen.add(clip)
        return np.array(new[own], bool)
