"""Which clips are in which batch, and which process gets which of them."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from lightning import Trainer
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from datamodules.errors import DataError


class Position(NamedTuple):
    """Where in its epochs a training stands."""

    epoch: int
    batch: int
    """The batch of the epoch that comes next."""


class Share(NamedTuple):
    """Which of how many processes asks for its share of each batch."""

    process: int
    n_processes: int


ALONE = Share(0, 1)


class SharedBatches(Sampler[list[int]]):
    """Divides clips into batches, and batches among processes, so that their number makes no difference.

    An epoch has all clips, in as few batches as their size allows and all of nearly the same size. Each process gets a
    row of neighbours of every batch; together, in the order of their ranks, they are the batch. Where the size is even,
    neighbours that make a pair (the first and the second, the third and the fourth) stay together. A batch has at least
    four clips for each process, so that one of little more than half its size still has a pair for each.

    Args:
        n_clips: Number of clips.
        batch_size: Clips in a batch, over all processes.
        order: Returns the order of the clips in an epoch, (n_clips,).
        share: The process, of how many.
        position: Tells where to begin, each time that the batches are gone through; by default at the first batch of
            the epoch that `set_epoch` has set.

    Raises:
        DataError: The size cannot be shared out evenly, or there are too few clips.

    >>> in_order = np.arange(11)
    >>> list(SharedBatches(11, 4, lambda epoch: in_order))
    [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    >>> [list(SharedBatches(11, 8, lambda epoch: in_order, Share(rank, 2))) for rank in range(2)]
    [[[0, 1], [6, 7]], [[2, 3, 4, 5], [8, 9, 10]]]
    """

    def __init__(
        self,
        n_clips: int,
        batch_size: int,
        order: Callable[[int], NDArray[np.integer]],
        share: Share = ALONE,
        position: Callable[[], Position] | None = None,
    ) -> None:
        check_share(batch_size, share.n_processes)
        if share.n_processes > 1 and n_clips < 2 * share.n_processes:
            raise DataError(
                f"{n_clips} clips cannot be shared out to {share.n_processes} processes, which need two each; take "
                "more clips, or fewer processes (--trainer.devices)."
            )
        self.layout = {"n_clips": n_clips, "batch_size": batch_size}
        self.position = position or (lambda: Position(self._epoch, 0))
        self._epoch = 0
        self._n_clips = n_clips
        self._order, self._share = order, share
        self._unit = 1 if batch_size % 2 else 2
        n_batches = math.ceil(n_clips / batch_size)
        self._n_batches = n_batches if batch_size == 1 else max(1, min(n_batches, n_clips // 2))

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, in loops other than Lightning's."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._n_batches

    def __iter__(self) -> Iterator[list[int]]:
        epoch, first = self.position()
        order = self._order(epoch)
        for number in range(first, self._n_batches):
            batch = order[self._start(number) : self._start(number + 1)]
            n_pairs = len(batch) // 2
            process, n_processes = self._share
            start, end = (2 * (n_pairs * rank // n_processes) for rank in (process, process + 1))
            yield batch[start : len(batch) if process + 1 == n_processes else end].tolist()

    def _start(self, number: int) -> int:
        """Where a batch starts in the order of the epoch."""
        if number == self._n_batches:
            return self._n_clips
        return self._unit * math.ceil(self._n_clips // self._unit * number / self._n_batches)


class ClipLoader(DataLoader[dict[str, Tensor]]):
    """A loader of training batches that goes on in the middle of an epoch where a checkpoint was written there.

    Args:
        dataset: The clips.
        batches: Their batches, which know where to begin.
        options: See `torch.utils.data.DataLoader`.
    """

    def __init__(self, dataset: Dataset[dict[str, Tensor]], batches: SharedBatches, **options: Any) -> None:
        super().__init__(dataset, batch_sampler=batches, **options)
        self.batches = batches

    def state_dict(self) -> dict[str, int]:
        """Returns what the batches follow from, for checkpoints."""
        return self.batches.layout

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Refuses to go on in the middle of an epoch with other batches.

        Raises:
            DataError: Names what differs.
        """
        here = self.batches.layout
        differing = [name for name, value in here.items() if state_dict.get(name, value) != value]
        if differing and self.batches.position().batch:
            pairs = ", ".join(f"{name} {state_dict[name]} (here {here[name]})" for name in differing)
            raise DataError(
                f"the checkpoint is from the middle of an epoch with {pairs}; go on with the same, or from a "
                "checkpoint of the end of an epoch."
            )


def check_share(batch_size: int, n_processes: int) -> None:
    """Raises DataError where a batch cannot be shared out to processes in whole pairs of clips, two or more each."""
    if n_processes > 1 and (batch_size % (2 * n_processes) or batch_size < 4 * n_processes):
        raise DataError(
            f"batch_size is {batch_size}, over all processes, and {n_processes} processes cannot share it out in pairs "
            f"of clips, two or more each; take a multiple of {2 * n_processes}, {4 * n_processes} or more.",
            argument="batch_size",
        )


def share_of(trainer: Trainer | None) -> Share:
    """Returns the share of a trainer's process; all of it where there is no trainer."""
    return ALONE if trainer is None else Share(trainer.global_rank, trainer.world_size)


def training_position(trainer: Trainer, n_batches: int) -> Position:
    """Returns where a training stands, whether it has just begun, goes on, or was resumed.

    Workers may ask for batches before Lightning tells samplers the epoch, and after it has restored how far a training
    had come: so that is what is looked at.

    Args:
        trainer: The trainer.
        n_batches: Batches in an epoch.
    """
    loop = trainer.fit_loop
    epochs: Any = loop.epoch_progress.current  # of a subclass with more counts than its annotation says
    batches = loop.epoch_loop.batch_progress.current
    if epochs.started == epochs.processed:  # between epochs
        return Position(epochs.processed, 0)
    if batches.ready >= n_batches:  # all its batches were trained on, and what ends an epoch is still to come
        return Position(epochs.processed + 1, 0)
    return Position(epochs.processed, batches.ready)
