import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from metrics.functional import spearman_correlation


def by_scipy(z, a, dims):
    return [spearmanr(z[:, dim], column).statistic for dim, column in zip(dims, a.T, strict=True)]


def samples(kind, n):
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n, 3))
    z = np.concatenate([a * [2.0, -0.5, 0.3], np.zeros((n, 1))], axis=1) + rng.normal(size=(n, 4))
    if kind == "ties":
        return np.round(z), np.round(a)
    if kind == "classes":
        return z, np.digitize(a, [-0.5, 1.0])
    if kind == "spike":
        return np.where(rng.random((n, 4)) < 0.7, 0.0, z), a
    if kind == "far and tiny":
        return 1e6 + z, 1e-9 * a
    return z, a


@pytest.mark.parametrize("dims", [None, [2, 0, 3]])
@pytest.mark.parametrize("n", [10, 100, 3000])
@pytest.mark.parametrize("kind", ["untied", "ties", "classes", "spike", "far and tiny"])
def test_correlations_are_those_of_scipy(kind, n, dims):
    z, a = samples(kind, n)

    values = spearman_correlation(z, a, regularized_dims=dims)

    assert values.numpy() == pytest.approx(by_scipy(z, a, dims or [0, 1, 2]), abs=1e-12)
    assert values.made_with == {"n_samples": n}


@pytest.mark.parametrize("kind", ["untied", "ties"])
def test_correlations_are_of_double_precision(kind):
    z, a = samples(kind, 100)
    z[:, 1] = 0.0

    assert spearman_correlation(z[:, [0, 2]], a[:, :2]).dtype == torch.float64
    assert spearman_correlation(z[:, [0, 1]], a[:, :2]).dtype == torch.float64


@pytest.mark.parametrize("function", [np.exp, np.tanh, lambda x: x**3, lambda x: 1e-8 * x])
def test_rising_functions_correlate_fully(function):
    a = np.random.default_rng(0).normal(size=(200, 2))

    values = spearman_correlation(function(a) * [1, -1], a)

    assert values.numpy() == pytest.approx([1.0, -1.0], abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6])
def test_a_constant_latent_correlates_with_nothing(value):
    z, a = samples("untied", 100)
    z[:, 1] = value

    values = spearman_correlation(z, a)

    assert values[1] == 0.0
    assert values[0].item() == pytest.approx(spearmanr(z[:, 0], a[:, 0]).statistic, abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [60_000, 100_000])
def test_large_classes(n, n_classes):
    # Sums of the ranks in a class exceed 2**31.
    z = np.random.default_rng(0).normal(size=(n, 1))
    a = np.argsort(np.argsort(z, axis=0), axis=0) * n_classes // n

    assert spearman_correlation(z, a).numpy() == pytest.approx(by_scipy(z, a, [0]), abs=1e-12)
