"""Statistics over clips, by their names."""

from typing import get_args

import numpy as np
import pytest
from scipy.stats import entropy, spearmanr
from sklearn.metrics import f1_score

from lightning_app.evaluation.clip_statistics import StatisticName, clip_statistic
from lightning_app.evaluation.measurement import Measured

N = 30


@pytest.fixture
def rows():
    """For each statistic some rows, and what it should make of them."""
    rng = np.random.default_rng(0)
    a, b, wanted = rng.normal(size=N), rng.normal(size=N) + 5.0, rng.integers(3, size=N)
    read = np.where(rng.random(N) < 0.7, wanted, 0)
    likely = rng.dirichlet([1.0, 1.0, 1.0], size=N)
    variety = entropy(likely.mean(axis=0))
    return {
        "mean": ([a], a.mean()),
        "ratio_of_sums": ([a, b], a.sum() / b.sum()),
        "macro_f1": ([wanted, read], f1_score(wanted, read, average="macro")),
        "rank_correlation": ([a, b], spearmanr(a, b).statistic),
        "variety": (list(likely.T), variety),
        "inception": (list(likely.T), np.exp(variety - np.mean([entropy(of_clip) for of_clip in likely]))),
    }


@pytest.mark.parametrize("name", get_args(StatisticName))
def test_measured_keeps_what_its_value_can_be_made_of_again(rows, name):
    values, expected = rows[name]
    classes = (0, 1, 2) if name == "macro_f1" else ()

    measured = Measured.of_clips(name, np.arange(N), *values, seed=0, classes=classes)

    kept = measured.clip_score
    assert measured.value == pytest.approx(expected)
    assert measured.interval.low <= expected <= measured.interval.high
    assert clip_statistic(kept.statistic, kept.classes)(*kept.rows, axis=-1) == measured.value
