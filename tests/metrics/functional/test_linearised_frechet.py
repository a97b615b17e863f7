"""What groups add to the Fréchet distance, against finite differences; and how often its interval is right."""

import numpy as np
import pytest
import torch

from metrics.functional import bootstrap_interval, frechet_distance, linearised_frechet_distance, mean
from metrics.functional.moments import mean_and_covariance, merged_moments, moments_of


def groups(sizes, dim=4, seed=0, shift=0.7):
    """Moments of the groups of two sides, whose clips differ from one another."""
    rng = np.random.default_rng(seed)
    sides = []
    for offset, spread in ((0.0, 1.0), (shift, 1.4)):
        vectors = [offset + rng.normal(size=dim) + spread * rng.normal(size=(n, dim)) for n in sizes]
        sides.append(torch.stack([moments_of(torch.from_numpy(of_group)) for of_group in vectors]))
    return sides


def distance(sides):
    return frechet_distance(
        *mean_and_covariance(merged_moments(sides[0])), *mean_and_covariance(merged_moments(sides[1]))
    )


def weighted(side, group, more):
    """The side where one group has that many times its vectors more."""
    return torch.cat([side, more_of(side[group], more)[None]])


def more_of(moments, times):
    changed = moments.clone()
    changed[0, 0] *= times
    changed[1:, 1:] *= times
    return changed


def test_distance_is_that_of_all_and_the_mean_of_groups():
    sides = groups([40, 50, 60, 50])
    whole, of_groups = linearised_frechet_distance(*sides)

    assert whole.item() == pytest.approx(distance(sides).item(), rel=1e-9)
    assert of_groups.mean().item() == pytest.approx(whole.item(), rel=1e-9)


def test_group_adds_what_the_distance_grows_by_with_its_share():
    sides = groups([3000, 4000, 5000])
    whole, of_groups = linearised_frechet_distance(*sides)

    for group in range(3):
        step = 1e-4  # of all vectors
        times = step * 12_000 / float(sides[0][group, 0, 0])
        more = distance([weighted(side, group, times) for side in sides])
        share = float(sides[0][group, 0, 0]) / 12_000
        slope = (more - whole) / (step / (1 + step))
        assert (of_groups[group] - whole).item() == pytest.approx(3 * share * slope.item(), rel=0.02)


def test_covariances_without_full_rank():
    sides = groups([6, 6, 6], dim=30)
    whole, of_groups = linearised_frechet_distance(*sides)

    assert of_groups.isfinite().all()
    assert whole.item() == pytest.approx(distance(sides).item(), rel=1e-6)


@pytest.mark.slow
def test_interval_holds_the_expected_distance_about_as_often_as_it_says():
    """Twenty groups of clips whose frames depend on one another, as those of an evaluation."""
    expected = np.mean([distance(groups([30] * 20, seed=seed)).item() for seed in range(2000, 2400)])
    held = []
    for seed in range(300):
        _, of_groups = linearised_frechet_distance(*groups([30] * 20, seed=seed))
        low, high = bootstrap_interval(mean, of_groups, n_resamples=400, seed=seed)
        held.append(low <= expected <= high)

    assert 0.87 < np.mean(held) < 0.99
