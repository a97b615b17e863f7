"""Noise by clip: a function of the key, the clip and the draw, and standard normal over all of them."""

import numpy as np
import pytest
import torch
from scipy import stats

from modules.noise import ClipNoise, batch_noise

CLIPS = torch.tensor([4, 0, 9, 7, 1])


def drawn(key: int, clips: torch.Tensor, *shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list:
    noise = ClipNoise(key, clips)
    return [noise(torch.empty(len(clips), *shape, dtype=dtype)) for shape in shapes]


def test_a_clips_noise_is_the_same_in_any_batch():
    whole = drawn(3, CLIPS, (6,), (5, 20))

    for rows in ([0], [1, 2], [4, 3, 0], [2, 1, 0, 3, 4]):
        part = drawn(3, CLIPS[rows], (6,), (5, 20))
        for all_clips, some in zip(whole, part, strict=True):
            assert torch.equal(all_clips[rows], some)


def test_draws_clips_and_keys_differ():
    first, second = drawn(3, CLIPS, (50,), (50,))
    (other_key,) = drawn(4, CLIPS, (50,))
    rows = torch.cat([first, second, other_key])

    correlations = np.corrcoef(rows.numpy())[~np.eye(len(rows), dtype=bool)]
    assert len(np.unique(rows.numpy(), axis=0)) == len(rows)
    assert np.abs(correlations).max() < 0.6  # 1 where two are the same; at 50 values, 4 sigma


def test_values_are_standard_normal_over_keys_clips_and_places():
    values = torch.stack([drawn(key, torch.arange(40), (25,))[0] for key in range(40)]).double().numpy()

    assert stats.kstest(values.ravel(), "norm").pvalue > 1e-3
    for axis in range(3):  # and of each key, clip and place alone, so that none is set apart
        means = values.mean(axis=tuple(other for other in range(3) if other != axis))
        scaled = means * np.sqrt(values.size / len(means))
        assert stats.kstest(scaled, "norm").pvalue > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_takes_shape_and_type_of_what_is_given(dtype):
    like = torch.empty(5, 3, 2, dtype=dtype, requires_grad=True)

    noise = ClipNoise(0, CLIPS)(like)

    assert noise.shape == like.shape
    assert noise.dtype == dtype
    assert not noise.requires_grad


def test_training_draws_anew_and_evaluation_does_not():
    batch = {"index": CLIPS}
    like = torch.empty(5, 8)
    torch.manual_seed(0)
    one, other = (batch_noise(batch, training=True)(like) for _ in range(2))
    torch.manual_seed(0)
    again = batch_noise(batch, training=True)(like)
    state = torch.get_rng_state()
    scored, scored_again = (batch_noise(batch, training=False)(like) for _ in range(2))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(scored, scored_again)
    assert torch.equal(torch.get_rng_state(), state)


def test_clips_without_numbers_get_torchs_own_noise():
    assert batch_noise({}, training=True) is torch.randn_like
