from types import SimpleNamespace

import torch

from lightning_app.callbacks import StepSeed


def _draw(seed, epoch, batch, rank=0):
    # The two numbers of a trainer that the callback reads.
    trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank)
    StepSeed(seed).on_train_batch_start(trainer, None, None, batch)
    return tuple(torch.randn(4).tolist())


def test_draws_depend_on_seed_epoch_batch_and_rank_alone():
    first = _draw(0, 5, 1)
    torch.randn(1000)
    assert _draw(0, 5, 1) == first
    draws = {
        _draw(seed, epoch, batch, rank) for seed in (0, 1) for epoch in (0, 1) for batch in (0, 1) for rank in (0, 1)
    }
    assert len(draws) == 16
