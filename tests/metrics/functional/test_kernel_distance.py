"""KAD against its definition written out, and against the closed form of two Gaussians."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from metrics.functional import bootstrap_interval, kernel_distance
from metrics.functional.kernel_distance import mean_of_pairs, median_distance, pair_terms


def kernel(a, b, sigma):
    return np.exp(-np.sum((np.asarray(a) - np.asarray(b)) ** 2) / (2 * sigma**2))


def written_out(x, y, sigma):
    """The definition, pair by pair."""
    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j], sigma) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j], sigma) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(kernel(a, b, sigma) for a in x for b in y) / (n * m)
    return 100 * (within_x + within_y - 2 * across)


def of_gaussians(apart, spread_a, spread_b, sigma):
    """The squared mean discrepancy of two isotropic Gaussians, times 100."""

    def expected(distance, variance):
        wide = sigma**2 + variance
        return (sigma**2 / wide) ** (len(apart) / 2) * np.exp(-np.sum(np.square(distance)) / (2 * wide))

    same = expected(0.0, 2 * spread_a**2) + expected(0.0, 2 * spread_b**2)
    return 100 * (same - 2 * expected(apart, spread_a**2 + spread_b**2))


def test_definition_with_the_median_as_bandwidth():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(17, 3)), rng.normal(0.5, 2.0, size=(11, 3))

    assert median_distance(torch.from_numpy(x)) == pytest.approx(np.median(pdist(x)))
    assert kernel_distance(x, y).item() == pytest.approx(written_out(x, y, np.median(pdist(x))), rel=1e-9)
    assert kernel_distance(x, y, bandwidth=0.7).item() == pytest.approx(written_out(x, y, 0.7), rel=1e-9)


def test_vectors_far_from_the_origin_and_more_than_a_block():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2500, 2)), rng.normal(0.3, 1.2, size=(2100, 2))
    near = kernel_distance(x, y, bandwidth=1.0).item()

    assert kernel_distance(x + 1e6, y + 1e6, bandwidth=1.0).item() == pytest.approx(near, rel=1e-6)
    assert near == pytest.approx(kernel_distance(x[::-1].copy(), y, bandwidth=1.0).item(), rel=1e-9)


def test_gaussians_on_average_whatever_the_number_of_vectors():
    rng = np.random.default_rng(2)
    apart = np.array([0.6, 0.0, -0.2])
    truth = of_gaussians(apart, 1.0, 1.3, sigma=1.5)
    for n in (8, 40):
        drawn = [
            kernel_distance(rng.normal(size=(n, 3)), apart + 1.3 * rng.normal(size=(n, 3)), bandwidth=1.5).item()
            for _ in range(800)
        ]
        assert np.mean(drawn) == pytest.approx(truth, abs=4 * np.std(drawn) / np.sqrt(len(drawn)))


def test_clips_of_several_frames_pair_by_pair():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 5, 4, 3))
    sigma = 1.1
    terms = pair_terms(torch.from_numpy(x), torch.from_numpy(y), sigma).numpy()

    total, n_pairs = 0.0, 0
    for i in range(5):
        for j in range(5):
            if i != j:
                for a in range(4):
                    for b in range(4):
                        total += kernel(x[i, a], x[j, b], sigma) + kernel(y[i, a], y[j, b], sigma)
                        total -= kernel(x[i, a], y[j, b], sigma) + kernel(y[i, a], x[j, b], sigma)
                        n_pairs += 1
    assert mean_of_pairs(terms)(np.arange(5)).item() == pytest.approx(100 * total / n_pairs, rel=1e-9)
    same = pair_terms(torch.from_numpy(x), torch.from_numpy(x)).numpy()
    assert mean_of_pairs(same)(np.arange(5)).item() == pytest.approx(0.0, abs=1e-12)


def test_many_clips_are_compared_in_blocks():
    x, y = torch.randn(2, 150, 16, 2, generator=torch.Generator().manual_seed(0))
    whole, part = pair_terms(x, y, 1.0), pair_terms(x[60:140], y[60:140], 1.0)

    torch.testing.assert_close(whole, whole.T)
    torch.testing.assert_close(whole[60:140, 60:140], part)


def test_clip_that_a_draw_repeats_is_not_compared_with_itself():
    terms = np.array([[9.0, 0.1, 0.4], [0.1, 9.0, 0.2], [0.4, 0.2, 9.0]])
    draws = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [2.0, 2.0, 2.0]])

    assert mean_of_pairs(terms)(draws).tolist() == pytest.approx([10.0, 100 * (0.1 + 0.4 + 0.2) / 3, 0.0])


@pytest.mark.slow
def test_interval_over_clips_holds_the_true_value_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    apart, sigma, held = np.array([0.8, 0.0]), 1.4, []
    truth = of_gaussians(apart, 1.0, 1.0, sigma)
    for trial in range(200):
        # What was made of a clip is like it, as reconstructions are.
        shared = rng.normal(size=(60, 1, 2))
        x = np.sqrt(0.5) * (shared + rng.normal(size=shared.shape))
        y = apart + np.sqrt(0.5) * (shared + rng.normal(size=shared.shape))
        terms = pair_terms(torch.from_numpy(x), torch.from_numpy(y), sigma).numpy()
        low, high = bootstrap_interval(mean_of_pairs(terms), np.arange(60), n_resamples=300, seed=trial)
        held.append(low <= truth <= high)

    assert 0.88 < np.mean(held) < 0.99


@pytest.mark.parametrize(
    ("real", "generated", "bandwidth", "message"),
    [
        (np.ones((3, 2)), np.ones((3, 4)), None, r"\(3, 2\) and generated \(3, 4\).*equal lengths"),
        (np.ones((1, 2)), np.ones((3, 2)), None, "1 real and 3 generated embeddings; expected 2"),
        (np.ones((3, 2)), np.eye(3, 2), None, "more than half of 3 real embeddings are the same"),
        (np.eye(3, 2), np.eye(3, 2), 0.0, "bandwidth is 0.0"),
        (np.eye(3, 2), np.full((3, 2), np.nan), None, "generated is nan"),
    ],
)
def test_refusals(real, generated, bandwidth, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance(real, generated, bandwidth)
