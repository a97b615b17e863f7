"""Distributions beside W&B's own, by their quantiles and the grids that come of them."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from lightning_app.sweeps.parameters import distributions

wandb_params = pytest.importorskip("sweeps.params", reason="W&B's sweeps is not installed; make setup does it")

CONTINUOUS = [
    {"min": 0.5, "max": 2.5},
    {"distribution": "uniform", "min": 1, "max": 3},
    {"distribution": "q_uniform", "min": 1, "max": 9, "q": 2},
    {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.25},
    {"distribution": "log_uniform", "min": -2, "max": 3},
    {"distribution": "log_uniform_values", "min": 0.01, "max": 10.0},
    {"distribution": "inv_log_uniform", "min": -2, "max": 3},
    {"distribution": "inv_log_uniform_values", "min": 0.01, "max": 10.0},
    {"distribution": "q_log_uniform", "min": 0, "max": 5, "q": 2},
    {"distribution": "q_log_uniform_values", "min": 4, "max": 512, "q": 8},
    {"distribution": "normal", "mu": 2.0, "sigma": 0.5},
    {"distribution": "normal"},
    {"distribution": "q_normal", "mu": 2.0, "sigma": 4.0, "q": 2},
    {"distribution": "log_normal", "mu": 0.3, "sigma": 0.5},
    {"distribution": "q_log_normal", "mu": 1.0, "sigma": 1.0, "q": 1},
    {"distribution": "beta", "a": 2.0, "b": 5.0},
    {"distribution": "q_beta", "a": 2.0, "b": 5.0, "q": 0.1},
]


def drawn(entry):
    """A distribution, and what it asks Optuna for."""
    distribution = distributions({"x": entry}, "here")["x"]
    trial = optuna.create_study().ask()
    distribution.draw(trial, "x")
    return distribution, trial.distributions["x"]


def quantile(asked, q):
    """The quantile of one of Optuna's distributions."""
    if asked.log:
        return float(np.exp(np.log(asked.low) + q * (np.log(asked.high) - np.log(asked.low))))
    return asked.low + q * (asked.high - asked.low)


@pytest.mark.parametrize("entry", CONTINUOUS, ids=str)
def test_quantiles_are_those_of_wandb(entry):
    theirs = wandb_params.HyperParameter("x", entry)
    distribution, asked = drawn(entry)

    for q in (0.013, 0.31, 0.502, 0.77, 0.991):
        value, expected = distribution.value(quantile(asked, q)), theirs.ppf(q)
        assert value == pytest.approx(float(expected), rel=1e-4)
        assert isinstance(value, int) == (np.asarray(expected).dtype.kind == "i")


def test_integers_and_choices_are_optunas():
    _, integers = drawn({"min": 2, "max": 5})
    assert integers == IntDistribution(2, 5)
    _, choices = drawn({"values": ["a", None, [4, 5], 0.5]})
    assert choices == CategoricalDistribution(["a", None, "[4, 5]", 0.5])
    _, constant = drawn({"value": True})
    assert constant == CategoricalDistribution([True])


def test_choice_by_probabilities():
    distribution, asked = drawn({"values": ["a", "b", "c"], "probabilities": [0.2, 0.5, 0.3]})

    assert asked == FloatDistribution(0, 1)
    assert [distribution.value(q) for q in (0.0, 0.19, 0.21, 0.69, 0.71, 1.0)] == ["a", "a", "b", "b", "c", "c"]


@pytest.mark.parametrize(
    "entry",
    [
        {"values": [3, 1, 2]},
        {"min": 2, "max": 5},
        {"distribution": "q_uniform", "min": 1, "max": 9, "q": 2},
        {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.25},
    ],
    ids=str,
)
def test_grid_is_that_of_wandb(entry):
    import sweeps

    config = {"method": "grid", "parameters": {"x": entry}}
    theirs = []
    while (suggested := sweeps.next_run(config, theirs)) is not None:
        theirs.append(suggested)

    ours = distributions({"x": entry}, "here")["x"].points()

    assert sorted(ours) == pytest.approx(sorted(run.config["x"]["value"] for run in theirs))


@pytest.mark.parametrize(
    "entry", [{"min": 0.0, "max": 1.0}, {"distribution": "normal"}, {"values": [1, 2], "probabilities": [0.5, 0.5]}]
)
def test_no_grid_of_what_cannot_be_counted(entry):
    assert distributions({"x": entry}, "here")["x"].points() is None
