import torch
from lightning import Callback

from lightning_app.callbacks import EpochSeed


class FakeClock:
    """The two numbers of a trainer that the callback reads."""

    def __init__(self, epoch, rank):
        self.current_epoch, self.global_rank = epoch, rank


def _draw(seed, epoch, rank=0):
    callback: Callback = EpochSeed(seed)
    callback.on_train_epoch_start(FakeClock(epoch, rank), None)
    return tuple(torch.randn(4).tolist())


def test_draws_depend_on_seed_epoch_and_rank_alone():
    first = _draw(0, 5)
    torch.randn(1000)
    assert _draw(0, 5) == first
    draws = {_draw(seed, epoch, rank) for seed in (0, 1) for epoch in (0, 1, 2) for rank in (0, 1)}
    assert len(draws) == 12
