"""Batches and shares: every clip once, pairs together, and the same batches for any number of processes."""

from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from datamodules.clips.batches import ClipLoader, Position, Share, SharedBatches, training_position
from datamodules.errors import DataError


def batches(n_clips: int, batch_size: int, process: int = 0, n_processes: int = 1) -> list[list[int]]:
    shared = SharedBatches(n_clips, batch_size, lambda epoch: np.arange(n_clips), Share(process, n_processes))
    found = list(shared)
    assert len(found) == len(shared)
    return found


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 8, 9])
@pytest.mark.parametrize("n_clips", [1, 2, 3, 4, 5, 7, 8, 9, 11, 16, 17, 40, 41])
def test_an_epoch_has_every_clip_once_in_nearly_equal_batches(n_clips, batch_size):
    found = batches(n_clips, batch_size)
    sizes = [len(batch) for batch in found]

    assert list(chain(*found)) == list(range(n_clips))
    unit = 1 if batch_size % 2 else 2
    assert max(sizes) - min(sizes) <= unit + n_clips % unit
    # None has a single clip, so at size 2 an odd one out makes three.
    assert max(sizes) <= batch_size + (batch_size == 2)
    assert min(sizes) > 1 or batch_size == 1 or n_clips == 1


@pytest.mark.parametrize(("n_processes", "batch_size"), [(2, 8), (2, 12), (3, 12), (4, 16), (3, 24)])
@pytest.mark.parametrize("n_clips", [8, 9, 12, 13, 17, 18, 19, 25, 26, 27, 33, 34, 39, 48, 50, 97])
def test_shares_together_are_the_batch_of_one_process(n_clips, n_processes, batch_size):
    if n_clips < 2 * n_processes:
        pytest.skip("too few for so many")
    whole = batches(n_clips, batch_size)
    shares = [batches(n_clips, batch_size, process, n_processes) for process in range(n_processes)]

    assert [list(chain(*parts)) for parts in zip(*shares, strict=True)] == whole
    for parts in zip(*shares, strict=True):
        assert min(map(len, parts)) >= 2
        assert max(map(len, parts)) - min(map(len, parts)) <= 3  # a pair, and an odd one out
        assert all(len(part) % 2 == 0 for part in parts[:-1])  # no pair is torn apart


@pytest.mark.parametrize("batch_size", [4, 6, 10])
def test_sizes_that_cannot_be_shared_are_refused(batch_size):
    refused = rf"batch_size is {batch_size}, over all processes, and 2 .* a multiple of 4, 8 or more"
    with pytest.raises(DataError, match=refused) as refusal:
        batches(100, batch_size, 0, 2)
    assert refusal.value.argument == "batch_size"


def test_fewer_clips_than_a_pair_for_each_process_are_refused():
    with pytest.raises(DataError, match="3 clips cannot be shared out to 2 processes"):
        batches(3, 8, 0, 2)


def test_order_is_that_of_the_epoch_and_begins_at_the_position():
    shared = SharedBatches(6, 2, lambda epoch: np.roll(np.arange(6), epoch))
    positions = iter([Position(0, 0), Position(1, 0), Position(1, 2)])
    shared.position = lambda: next(positions)

    assert [list(shared) for _ in range(3)] == [
        [[0, 1], [2, 3], [4, 5]],
        [[5, 0], [1, 2], [3, 4]],
        [[3, 4]],
    ]


@pytest.mark.parametrize(
    ("started", "processed", "ready", "expected"),
    [
        (0, 0, 0, (0, 0)),  # at the very beginning
        (3, 2, 0, (2, 0)),  # at the start of the third epoch
        (3, 2, 4, (2, 4)),  # in its middle
        (3, 2, 7, (3, 0)),  # after its last batch, before what ends it
        (3, 3, 7, (3, 0)),  # at its end
    ],
)
def test_position_of_a_training(started, processed, ready, expected):
    epochs, batch = SimpleNamespace(started=started, processed=processed), SimpleNamespace(ready=ready)
    loop = SimpleNamespace(batch_progress=SimpleNamespace(current=batch))
    trainer = SimpleNamespace(fit_loop=SimpleNamespace(epoch_progress=SimpleNamespace(current=epochs), epoch_loop=loop))

    assert training_position(trainer, 7) == expected


def test_other_batches_are_refused_in_the_middle_of_an_epoch_alone():
    def loader(batch_size: int, position: Position) -> ClipLoader:
        shared = SharedBatches(8, batch_size, lambda epoch: np.arange(8), position=lambda: position)
        return ClipLoader(TensorDataset(torch.arange(8)), shared)

    state = loader(4, Position(0, 1)).state_dict()

    loader(4, Position(0, 1)).load_state_dict(state)
    loader(2, Position(1, 0)).load_state_dict(state)
    with pytest.raises(DataError, match=r"the middle of an epoch with batch_size 4 \(here 2\)"):
        loader(2, Position(0, 1)).load_state_dict(state)
