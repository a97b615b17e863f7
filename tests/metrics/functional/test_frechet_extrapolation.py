"""FAD-infinity of Gaussians whose true distance is known."""

import numpy as np
import pytest
import torch

from metrics.functional import extrapolated_frechet_distance, frechet_distance
from metrics.functional.frechet_extrapolation import subsets
from metrics.functional.moments import mean_and_covariance, merged_moments, moments_of

DIM = 24
SCALES = np.linspace(0.5, 1.5, DIM)


def sides(seed, n_groups=20, of_group=20):
    rng = np.random.default_rng(seed)
    real = SCALES * rng.normal(size=(n_groups, of_group, DIM))
    made = 0.2 + 1.1 * SCALES * rng.normal(size=(n_groups, of_group, DIM))
    return [torch.stack([moments_of(torch.from_numpy(group)) for group in side]) for side in (real, made)]


TRUTH = DIM * 0.2**2 + np.sum((0.1 * SCALES) ** 2)


def plain(pair):
    return frechet_distance(*(part for side in pair for part in mean_and_covariance(merged_moments(side)))).item()


def test_nearer_to_the_true_distance_than_that_of_finite_sets():
    pairs = [sides(seed) for seed in range(12)]
    finite = np.array([plain(pair) for pair in pairs])
    infinite = np.array([extrapolated_frechet_distance(*pair).item() for pair in pairs])

    assert np.mean(finite) - TRUTH > 0.2
    assert abs(np.mean(infinite) - TRUTH) < 0.15 * (np.mean(finite) - TRUTH)
    assert np.mean(np.abs(infinite - TRUTH)) < 0.3 * np.mean(np.abs(finite - TRUTH))


def test_same_seed_gives_the_same():
    pair, steps = sides(0), []
    first = extrapolated_frechet_distance(*pair, seed=1, advance=lambda: steps.append(1))

    assert first == extrapolated_frechet_distance(*pair, seed=1)
    assert first != extrapolated_frechet_distance(*pair, seed=2)
    assert len(steps) == len(subsets(20, 400, DIM, seed=1))


def test_subsets_have_more_vectors_than_dimensions():
    chosen = subsets(20, 100, 45, seed=0)

    assert min(len(groups) for groups in chosen) * 5 > 45
    assert max(len(groups) for groups in chosen) == 20
    assert all(len(set(groups)) == len(groups) for groups in chosen)


@pytest.mark.parametrize(("n_groups", "n_vectors"), [(7, 1000), (20, 2 * DIM)])
def test_too_few(n_groups, n_vectors):
    with pytest.raises(ValueError, match=rf"{n_vectors} vectors of 24 values in {n_groups} groups; expected 8 groups"):
        subsets(n_groups, n_vectors, DIM, seed=0)
