"""The Fréchet distance against SciPy's matrix square root and closed forms, and where that root fails."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from metrics.functional import frechet_distance


def gaussian(seed, dim=6, rank=None):
    """A mean and a covariance of the given rank."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(dim, dim if rank is None else rank))
    return rng.normal(size=dim), factors @ factors.T


def of_sqrtm(mean_a, covariance_a, mean_b, covariance_b):
    root = sqrtm(covariance_a @ covariance_b).real
    return np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a + covariance_b - 2.0 * root)


@pytest.mark.parametrize("dim", [1, 2, 6, 40])
@pytest.mark.parametrize("seed", range(3))
def test_value_is_that_of_the_matrix_square_root(seed, dim):
    gaussians = *gaussian(seed, dim), *gaussian(seed + 100, dim)

    value = frechet_distance(*gaussians)

    assert value.shape == ()
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(of_sqrtm(*gaussians), rel=1e-8)


def test_diagonal_covariances_have_a_closed_form():
    rng = np.random.default_rng(0)
    (mean_a, mean_b), (deviations_a, deviations_b) = rng.normal(size=(2, 5)), rng.uniform(0.0, 3.0, (2, 5))

    value = frechet_distance(mean_a, np.diag(deviations_a**2), mean_b, np.diag(deviations_b**2))

    closed = np.sum((mean_a - mean_b) ** 2) + np.sum((deviations_a - deviations_b) ** 2)
    assert value.item() == pytest.approx(closed, rel=1e-12)


def test_gaussians_of_equal_covariance_are_as_far_apart_as_their_means():
    mean, covariance = gaussian(0)

    assert frechet_distance(mean, covariance, mean + 2.0, covariance).item() == pytest.approx(4.0 * 6, rel=1e-12)


def test_gaussians_of_equal_mean_and_one_a_multiple_of_the_other():
    mean, covariance = gaussian(0)

    value = frechet_distance(mean, covariance, mean, 9.0 * covariance)

    assert value.item() == pytest.approx(4.0 * np.trace(covariance), rel=1e-12)  # (3 - 1)²


def test_it_is_symmetric_and_rotates_with_the_space():
    first, second = gaussian(1), gaussian(2)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]

    value = frechet_distance(*first, *second).item()

    rotated = [(rotation @ mean, rotation @ covariance @ rotation.T) for mean, covariance in (first, second)]
    assert frechet_distance(*second, *first).item() == pytest.approx(value, rel=1e-12)
    assert frechet_distance(*rotated[0], *rotated[1]).item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("rank", [None, 1, 3])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_gaussian_is_at_distance_0_from_itself(rank, scale):
    mean, covariance = gaussian(0, dim=60, rank=rank)

    value = frechet_distance(mean, scale * covariance, mean, scale * covariance).item()

    assert 0.0 <= value < 1e-13 * scale * np.trace(covariance)


def test_covariances_without_full_rank_keep_their_closed_form():
    """Two planes at right angles share nothing; lines at an angle, the cosine of it."""
    zero, angle = np.zeros(3), 0.3
    line = np.array([np.cos(angle), np.sin(angle), 0.0])

    apart = frechet_distance(zero, np.diag([1.0, 0.0, 0.0]), zero, np.diag([0.0, 4.0, 0.0]))
    lines = frechet_distance(zero, np.diag([1.0, 0.0, 0.0]), zero, np.outer(line, line))

    assert apart.item() == pytest.approx(5.0, rel=1e-12)
    assert lines.item() == pytest.approx(2.0 - 2.0 * np.cos(angle), rel=1e-12)


def test_covariances_of_few_samples_of_many_dimensions_are_exact():
    """In the span of both, their coordinates have a covariance of full rank, and the distance is the same."""
    rng = np.random.default_rng(0)
    small = [gaussian(seed, dim=4) for seed in (1, 2)]
    basis = np.linalg.qr(rng.normal(size=(80, 4)))[0]

    value = frechet_distance(*(each for mean, cov in small for each in (basis @ mean, basis @ cov @ basis.T)))

    assert value.item() == pytest.approx(of_sqrtm(*small[0], *small[1]), rel=1e-10)


def test_no_variance_on_either_side_leaves_the_distance_of_points():
    nothing = np.zeros((2, 2))

    assert frechet_distance([0.0, 0.0], nothing, [3.0, 4.0], nothing) == 25.0


def test_tensors_arrays_and_lists_score_alike():
    arrays = *gaussian(0), *gaussian(1)

    values = {
        frechet_distance(*given).item()
        for given in (arrays, map(torch.tensor, arrays), [array.tolist() for array in arrays])
    }

    assert len(values) == 1


MEAN, COVARIANCE = np.zeros(2), np.eye(2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((MEAN[None], COVARIANCE, MEAN, COVARIANCE), r"mean_a has shape \(1, 2\); expected \(D,\)"),
        ((MEAN, COVARIANCE, MEAN[:1], COVARIANCE), r"mean_a has shape \(2,\) and mean_b \(1,\); expected the same"),
        ((MEAN, COVARIANCE[:1], MEAN, COVARIANCE), r"covariance_a has shape \(1, 2\); expected \(2, 2\)"),
        ((MEAN, COVARIANCE, MEAN, MEAN), r"covariance_b has shape \(2,\); expected \(N, columns\)"),
        ((MEAN, COVARIANCE * np.nan, MEAN, COVARIANCE), r"covariance_a is nan at \[0, 0\]; expected finite"),
        ((MEAN, COVARIANCE, MEAN, [[1.0, 0.1], [0.2, 1.0]]), "covariance_b is not symmetric; expected a covariance"),
        ((MEAN, -COVARIANCE, MEAN, COVARIANCE), "covariance_a has the negative eigenvalue -1; expected a covariance"),
    ],
)
def test_unusable_inputs_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(*given)
