from types import SimpleNamespace

import torch

from lightning_app.callbacks import StepSeed


def _draw(seed, epoch, batch, rank=0):
    # What of a trainer might play a part.
    trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank)
    StepSeed(seed).on_train_batch_start(trainer, None, None, batch)
    return tuple(torch.randn(4).tolist())


def _drawn_in_evaluation(hook, seed, epoch, batch, loader=0):
    getattr(StepSeed(seed), hook)(SimpleNamespace(current_epoch=epoch), None, None, batch, loader)
    return tuple(torch.randn(4).tolist())


def test_draws_depend_on_seed_epoch_and_batch_alone():
    first = _draw(0, 5, 1)
    torch.randn(1000)
    assert _draw(0, 5, 1) == first == _draw(0, 5, 1, rank=1)
    draws = {_draw(seed, epoch, batch) for seed in (0, 1) for epoch in (0, 1) for batch in (0, 1)}
    assert len(draws) == 8


def test_evaluations_draw_the_same_in_any_epoch_and_never_what_training_draws():
    for hook in ("on_validation_batch_start", "on_test_batch_start"):
        assert _drawn_in_evaluation(hook, 0, 0, 1) == _drawn_in_evaluation(hook, 0, 7, 1)
        draws = [
            _drawn_in_evaluation(hook, seed, 0, batch, loader)
            for seed in (0, 1)
            for batch in (0, 1)
            for loader in (0, 1)
        ]
        trained = [_draw(seed, epoch, batch) for seed in (0, 1) for epoch in (0, 1) for batch in (0, 1)]
        assert len({*draws, *trained}) == 16
