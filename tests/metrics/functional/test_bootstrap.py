"""Intervals over clips: how often they hold the true value, and what they are where that is known."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import f1_score

from metrics.functional import bootstrap_interval, macro_f1, mean, ratio_of_sums

N_TRIALS = 400


def coverage(draw, statistic, truth: float) -> float:
    """The share of sets of clips whose interval holds the true value; its standard error is 1.1 points."""
    held = 0
    for trial in range(N_TRIALS):
        low, high = bootstrap_interval(statistic, *draw(np.random.default_rng(trial)), n_resamples=400, seed=trial)
        held += low <= truth <= high
    return held / N_TRIALS


@pytest.mark.slow
def test_coverage_of_a_mean_of_skewed_values():
    assert 0.91 <= coverage(lambda rng: [rng.exponential(2.0, 80)], mean, 2.0) <= 0.98


@pytest.mark.slow
def test_coverage_of_a_ratio_whose_sums_depend_on_each_other():
    def draw(rng):
        voiced = rng.integers(50, 250, 60)
        return rng.binomial(voiced, rng.beta(9, 1, 60)), voiced  # 0.9 of the frames of a clip are right, on average

    assert 0.91 <= coverage(draw, ratio_of_sums, 0.9) <= 0.98


@pytest.mark.slow
def test_coverage_of_f1():
    def draw(rng, n=200):
        wanted = rng.integers(0, 2, n)
        return wanted, np.where(rng.random(n) < 0.8, wanted, 1 - wanted)

    # As many of either class, and as many mistakes: precision and recall are 0.8 of both.
    assert 0.92 <= coverage(draw, macro_f1([0, 1]), 0.8) <= 0.98


@pytest.mark.slow
def test_coverage_of_a_paired_difference():
    def draw(rng):
        clip = rng.normal(0.0, 5.0, 60)  # what is common to both models is far larger than what differs
        return clip + rng.normal(0.3, 0.5, 60), clip + rng.normal(0.0, 0.5, 60)

    def difference(one, other, axis=-1):
        return mean(one, axis) - mean(other, axis)

    assert 0.91 <= coverage(draw, difference, 0.3) <= 0.98
    low, high = bootstrap_interval(difference, *draw(np.random.default_rng(0)))
    assert high - low < 0.5  # unpaired it would be 3.5


def test_interval_of_a_mean_is_that_of_the_normal_distribution_where_clips_are_many():
    half = np.random.default_rng(0).normal(size=1000)
    values = np.concatenate([half, -half])  # without skewness, whose correction the normal distribution has not
    error = values.std() / np.sqrt(2000)

    low, high = bootstrap_interval(mean, values, level=0.9, n_resamples=10_000)

    assert [low, high] == pytest.approx((norm.ppf([0.05, 0.95]) * error).tolist(), abs=0.08 * error)


def test_f1_is_scikit_learns_for_every_draw():
    rng = np.random.default_rng(1)
    wanted, predicted = rng.integers(0, 4, (2, 30, 25))

    found = macro_f1([0, 1, 2, 3, 4])(wanted, predicted, axis=-1)

    for row, value in enumerate(found):
        arguments = {"labels": [0, 1, 2, 3, 4], "average": "macro", "zero_division": 0.0}
        assert value == pytest.approx(f1_score(wanted[row], predicted[row], **arguments))


def test_a_seed_repeats_and_equal_clips_have_no_width():
    values = np.random.default_rng(2).normal(size=30)
    assert bootstrap_interval(mean, values, seed=3) == bootstrap_interval(mean, values, seed=3)
    assert bootstrap_interval(mean, values, seed=3) != bootstrap_interval(mean, values, seed=4)
    assert bootstrap_interval(mean, [1.0] * 5) == (1.0, 1.0)
    assert bootstrap_interval(macro_f1([0, 1]), [0, 1] * 20, [0, 1] * 20) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (([1.0, 2.0], [1.0]), {}, r"rows have lengths \[2, 1\]"),
        (([1.0],), {}, "there is 1 clip to draw from"),
        (([1.0, 2.0],), {"level": 1.0}, "level is 1.0; expected a share between 0 and 1"),
        (([1.0, np.nan],), {}, r"rows\[0\] is nan at \[1\]"),
    ],
)
def test_what_has_no_interval_is_refused(rows, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(mean, *rows, **options)
