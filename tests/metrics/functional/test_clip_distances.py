"""Distances of single clips, against the Fréchet distance of their own covariances."""

import numpy as np
import pytest
import torch

from metrics.functional import clip_frechet_distances, frechet_distance
from metrics.functional.moments import mean_and_covariance, moments_of


def test_distance_of_each_clip_and_of_a_point():
    rng = np.random.default_rng(0)
    real = moments_of(torch.from_numpy(rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))))
    clips = torch.from_numpy(rng.normal(1.0, 2.0, size=(5, 4, 6)))
    mean, covariance = mean_and_covariance(real)

    for clip, distance in zip(clips, clip_frechet_distances(real, clips), strict=True):
        expected = frechet_distance(mean, covariance, clip.mean(0), torch.cov(clip.T))
        assert distance.item() == pytest.approx(expected.item(), rel=1e-6)
    points = clip_frechet_distances(real, clips[:, :1])
    expected = [((clip[0] - mean).square().sum() + covariance.trace()).item() for clip in clips]
    assert points.tolist() == pytest.approx(expected)


def test_clip_that_is_none_of_the_others_is_farthest():
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(9, 10, 3)).astype(np.float32)
    real = moments_of(torch.from_numpy(frames).flatten(0, 1))
    frames[4] += 6.0

    assert clip_frechet_distances(real, torch.from_numpy(frames)).argmax().item() == 4
