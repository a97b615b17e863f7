"""The table of two factors that go together, and draws from it."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from datamodules.clips.correlation import Correlation
from datamodules.errors import DataError

VALUES = {"a": ("x", "y", "z"), "b": ("1", "2", "3", "4", "5", "6"), "one": ("only",)}


def labels_of(n_clips, seed=0):
    generator = np.random.default_rng(seed)
    return {name: generator.integers(len(values), size=n_clips) for name, values in VALUES.items()}


@pytest.mark.parametrize(("n_first", "n_second"), [(2, 2), (3, 6), (6, 3), (3, 4), (28, 3), (1, 5)])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_each_row_of_the_table_is_a_distribution(n_first, n_second, strength):
    table = Correlation(("a", "b"), strength).probabilities(n_first, n_second)

    assert table.shape == (n_first, n_second)
    assert (table >= 0).all()
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_the_factors_are_independent_at_0_and_the_one_with_more_values_determines_the_other_at_1():
    np.testing.assert_allclose(Correlation(("a", "b"), 0.0).probabilities(3, 6), 1 / 6)
    for shape in ((3, 6), (3, 7), (6, 3), (7, 3), (3, 3)):
        there = Correlation(("a", "b"), 1.0).probabilities(*shape) > 0
        assert there.any(axis=0).all()  # no value is left out
        assert there.any(axis=1).all()
        longer = int(shape[0] < shape[1])
        assert (there.sum(axis=1 - longer) == 1).all()


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_clips_kept_have_the_association_of_the_table(strength):
    """Cramér's V of the table: that of s parts of a table that determines the shorter factor is s itself."""
    clips = labels_of(60_000)
    kept = Correlation(("a", "b"), strength).kept(VALUES, clips, np.random.default_rng(1))

    counts = np.histogram2d(clips["a"][kept], clips["b"][kept], bins=[3, 6])[0]
    cramers_v = np.sqrt(chi2_contingency(counts).statistic / counts.sum() / 2)

    assert cramers_v == pytest.approx(strength, abs=0.02)
    np.testing.assert_allclose(counts.sum(axis=0) / counts.sum(), 1 / 6, atol=0.01)
    np.testing.assert_allclose(counts.sum(axis=1) / counts.sum(), 1 / 3, atol=0.01)


def test_of_the_same_clips_the_stronger_correlation_keeps_fewer():
    clips = labels_of(2000)
    kept = [
        Correlation(("b", "a"), strength).kept(VALUES, clips, np.random.default_rng(3))
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]

    assert kept[0].all()
    assert all(stronger.sum() < weaker.sum() for weaker, stronger in pairwise(kept))


@pytest.mark.parametrize(
    ("options", "message", "argument"),
    [
        ({"factors": ("a", "a")}, r"correlation\.factors is \['a', 'a'\]; name two different factors", "factors"),
        ({"factors": ("a",)}, "name two different factors", "factors"),
        ({"strength": 1.1}, r"correlation\.strength is 1\.1; it must lie between 0 and 1", "strength"),
        ({"strength": -0.1}, "it must lie between 0 and 1", "strength"),
        ({"strength": float("nan")}, "it must lie between 0 and 1", "strength"),
        ({"of": "test"}, r"correlation\.of is 'test'; choose from training, all", "of"),
    ],
)
def test_what_is_no_correlation_is_refused(options, message, argument):
    with pytest.raises(DataError, match=message) as refused:
        Correlation(**({"factors": ("a", "b"), "strength": 0.5} | options))
    assert refused.value.argument == f"correlation.{argument}"


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (("a", "c"), r"correlation\.factors has 'c'; the factors are a, b, one"),
        (("a", "one"), "has one, which has one value here, only; choose another factor, or give it more values"),
    ],
)
def test_factors_that_cannot_be_correlated_are_named(factors, message):
    with pytest.raises(DataError, match=message) as refused:
        Correlation(factors, 0.5).kept(VALUES, labels_of(10), np.random.default_rng(0))
    assert refused.value.argument == "correlation.factors"
