"""The equal error rate against a plain search over thresholds, scikit-learn's curve, and closed forms."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import roc_curve

from metrics.functional import bootstrap_interval, equal_error_rate, error_rate_of_draws


def clips(n=80, n_classes=4, spread=1.0, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    return rng.normal(size=(n_classes, dim))[labels] + spread * rng.normal(size=(n, dim)), labels


def pairs(x, y):
    """Cosines of all pairs, and whether they are of one class."""
    first, second = np.triu_indices(len(x), k=1)
    cosines = (
        np.sum(x[first] * x[second], axis=1) / np.linalg.norm(x[first], axis=1) / np.linalg.norm(x[second], axis=1)
    )
    return cosines, y[first] == y[second]


def plain(x, y):
    """Where the rates cross on the way from one threshold to the next."""
    cosines, same = pairs(x, y)
    before = (0.0, 1.0)
    for threshold in sorted(set(cosines), reverse=True):
        false_alarm, miss = np.mean(cosines[~same] >= threshold), np.mean(cosines[same] < threshold)
        if false_alarm >= miss:
            share = (before[1] - before[0]) / ((before[1] - before[0]) + (false_alarm - miss))
            return before[0] + share * (false_alarm - before[0])
        before = (false_alarm, miss)
    raise AssertionError


def by_sklearn(x, y):
    cosines, same = pairs(x, y)
    false_alarm, hit, _ = roc_curve(same, cosines)
    return brentq(lambda rate: 1.0 - rate - np.interp(rate, false_alarm, hit), 0.0, 1.0, xtol=1e-14)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spread", [0.3, 1.0, 5.0])
def test_rate_is_that_of_a_search_over_thresholds(spread, seed):
    x, y = clips(spread=spread, seed=seed)

    rate = equal_error_rate(x, y)

    assert rate.dtype == torch.float64
    assert rate.item() == pytest.approx(plain(x, y), abs=1e-12)
    assert rate.item() == pytest.approx(by_sklearn(x, y), abs=1e-9)


def test_ties_are_interpolated():
    """Few directions, so that a threshold takes many pairs at once."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2, (60, 3)) + np.array([0.0, 0.0, 1.0]), rng.integers(3, size=60)
    x[:, 0] += y == 0
    cosines, _ = pairs(x, y)
    assert len(np.unique(cosines.round(9))) < 60

    # Rounded, since ties of the plain version differ by rounding.
    false_alarm, hit, _ = roc_curve(pairs(x, y)[1], cosines.round(9))
    expected = brentq(lambda rate: 1.0 - rate - np.interp(rate, false_alarm, hit), 0.0, 1.0, xtol=1e-14)

    assert equal_error_rate(x, y).item() == pytest.approx(expected, abs=1e-9)


def test_rate_of_draws_counts_clips_as_often_as_they_are_drawn():
    x, y = clips(40)
    of_draws, whole = error_rate_of_draws(x, y), np.arange(40)
    assert of_draws(whole) == pytest.approx(equal_error_rate(x, y).item(), abs=1e-12)

    drawn = np.random.default_rng(1).integers(40, size=(5, 40))

    for positions, rate in zip(drawn, of_draws(drawn), strict=True):
        first, second = np.triu_indices(40, k=1)
        first, second = first[positions[first] != positions[second]], second[positions[first] != positions[second]]
        a, b = positions[first], positions[second]
        cosines = np.sum(x[a] * x[b], axis=1) / np.linalg.norm(x[a], axis=1) / np.linalg.norm(x[b], axis=1)
        false_alarm, hit, _ = roc_curve(y[a] == y[b], cosines.round(12))
        expected = brentq(lambda rate: 1.0 - rate - np.interp(rate, false_alarm, hit), 0.0, 1.0, xtol=1e-14)  # noqa: B023
        assert rate == pytest.approx(expected, abs=1e-9)


def test_rate_of_draws_of_a_collapsed_code_or_of_one_class_is_at_chance():
    x, y = np.ones((6, 2)), np.array([0, 0, 0, 1, 1, 1])

    assert error_rate_of_draws(x, y)(np.arange(6)) == pytest.approx(0.5)
    assert error_rate_of_draws(clips(6)[0], y)(np.array([0, 1, 2, 0, 1, 2])) == 0.5


def test_interval_of_a_rate_holds_it():
    x, y = clips(60)

    low, high = bootstrap_interval(error_rate_of_draws(x, y), np.arange(60), n_resamples=200)

    assert low < equal_error_rate(x, y) < high


@pytest.mark.slow
def test_many_clips_come_in_blocks():
    """20,000 clips have 200 million pairs, 1.6 GB; the crossing is that of a sample of them, within its error."""
    x, y = clips(20_000, n_classes=10, dim=16)
    rate = equal_error_rate(torch.from_numpy(x), torch.from_numpy(y)).item()

    estimates = [by_sklearn(x[part], y[part]) for part in np.array_split(np.arange(20_000), 20)]

    assert rate == pytest.approx(np.mean(estimates), abs=5 * np.std(estimates) / np.sqrt(20))


def test_blocks_of_any_size_have_the_same_pairs():
    x, y = clips(2500)  # three blocks

    assert equal_error_rate(x, y).item() == pytest.approx(by_sklearn(x, y), abs=1e-9)
    assert equal_error_rate(x, y).made_with == {"n_same": pairs(x, y)[1].sum(), "n_different": (~pairs(x, y)[1]).sum()}


def test_two_directions_with_noise_have_a_closed_form():
    """On a circle, cosines fall with angles, whose differences are normal around 0 or around a right angle."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=3000)
    angles = y * 0.5 * np.pi + 0.3 * rng.normal(size=3000)

    rate = equal_error_rate(np.stack([np.cos(angles), np.sin(angles)], axis=1), y).item()

    spread = 0.3 * np.sqrt(2)

    def surplus(t):
        return norm.cdf(t, np.pi / 2, spread) - norm.cdf(-t, np.pi / 2, spread) - 2 * norm.sf(t, scale=spread)

    assert rate == pytest.approx(2 * norm.sf(brentq(surplus, 0.0, np.pi), scale=spread), abs=0.004)


def test_extremes():
    y = np.arange(40) % 2
    apart = np.stack([y, 1 - y], axis=1)

    assert equal_error_rate(apart, y) == 0.0
    unrelated = np.random.default_rng(0).normal(size=(2000, 4))
    assert equal_error_rate(unrelated, np.arange(2000) % 2).item() == pytest.approx(0.5, abs=0.01)
    opposed = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert equal_error_rate(opposed, [0, 0, 1, 1]) == 1.0


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7])
def test_a_collapsed_code_is_at_chance(value):
    assert equal_error_rate(np.full((300, 7), value), np.arange(300) % 3).item() == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_lengths_do_not_matter(scale):
    x, y = clips()
    lengths = np.random.default_rng(1).uniform(1, 5, (80, 1))

    assert equal_error_rate(scale * lengths * x, y).item() == pytest.approx(equal_error_rate(x, y).item(), abs=1e-12)


def test_tensors_arrays_and_lists_score_alike():
    x, y = clips()

    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    assert equal_error_rate(*tensors) == equal_error_rate(x, y) == equal_error_rate(x.tolist(), y.tolist())


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (np.ones(3), [0, 1, 0], r"embeddings has shape \(3,\); expected \(N, columns\)"),
        (np.ones((3, 2)), [0, 1], r"labels has shape \(2,\); expected \(3,\)"),
        (np.ones((3, 2)), [0, 1, 0.5], "labels has the value 0.5; expected whole numbers"),
        (np.full((3, 2), np.nan), [0, 1, 0], r"embeddings is nan at \[0, 0\]"),
        (np.ones((3, 2)), [0, 0, 0], "labels has 3 pairs of one class and 0 of two among 3 clips; expected both"),
        (np.ones((3, 2)), [0, 1, 2], "labels has 0 pairs of one class and 3 of two"),
    ],
)
def test_unusable_inputs_are_named(embeddings, labels, message):
    with pytest.raises(ValueError, match=message):
        equal_error_rate(embeddings, labels)
