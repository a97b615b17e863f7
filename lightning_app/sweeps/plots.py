"""Figures of a sweep: its history, the importance of options, and the options themselves."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.exceptions import ExperimentalWarning
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState, create_trial

from lightning_app.errors import RunError
from lightning_app.figures.saving import save_figure
from lightning_app.sweeps.best import spread
from lightning_app.sweeps.drawn import Drawn, Table
from lightning_app.sweeps.labels import short_names, varied
from lightning_app.sweeps.opening import look_up
from lightning_app.sweeps.option_axis import OptionAxis
from lightning_app.sweeps.option_plots import parallel_coordinates, slices

_FEWEST = 2


def draw_sweep(file: str, runs: Path, storage: str | None, output: Path | None, seed: int) -> None:
    """Draws the figures of a sweep; see `lightning_app.commands.sweep.plot`.

    Raises:
        RunError: There are no trials, or too few are complete.
    """
    study = look_up(file, runs, storage)
    records = [record for record in study.records() if record.value is not None and math.isfinite(record.value)]
    options = varied(study.sweep)
    drawn = Drawn(
        study,
        records,
        {option: OptionAxis.of(study.sweep.parameters[option]) for option in options},
        short_names(options),
        seed,
    )
    if len(drawn.complete) < _FEWEST:
        raise RunError(
            f"{len(drawn.complete)} trials of {study.sweep.name} are complete; figures need {_FEWEST} or more."
        )
    if not options:
        raise RunError(f"the trials of {study.sweep.name} differ in no option, so there is nothing to draw.")
    folder = study.folder / "figures" if output is None else output
    for name, (draw, what) in _FIGURES.items():
        figure, table = draw(drawn)
        save_figure(figure, folder / name, table, what)


def _history(drawn: Drawn) -> tuple[Figure, Table]:
    """The metric of each trial, and the best so far."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.subplots()
    complete = drawn.complete
    numbers, values = [record.number for record in complete], [record.value or 0.0 for record in complete]
    spreads = [spread(record) for record in complete]
    best = list((np.maximum if drawn.study.sweep.metric.goal == "maximize" else np.minimum).accumulate(values))
    axes.step(numbers, best, where="post", color="C3", label="best so far")
    if any(deviation is not None for deviation in spreads):
        deviations = [deviation or 0.0 for deviation in spreads]
        axes.errorbar(numbers, values, deviations, fmt="none", ecolor="C0", alpha=0.5, label="spread over seeds")
    axes.plot(numbers, values, "o", color="C0", markersize=5, label="complete")
    if pruned := drawn.pruned:
        at = [record.number for record in pruned]
        last = [record.value or 0.0 for record in pruned]
        axes.plot(at, last, "o", color="grey", markersize=5, markerfacecolor="none", label="given up, last epoch")
    axes.set(xlabel="trial", ylabel=drawn.metric)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right center", frameon=False)
    by_number = dict(zip(numbers, best, strict=True))
    table: Table = {
        "trial": [record.number for record in drawn.records],
        "state": [record.state.name.lower() for record in drawn.records],
        "value": [record.value for record in drawn.records],
        "spread": [spread(record) for record in drawn.records],
        "best_so_far": [by_number.get(record.number) for record in drawn.records],
    }
    return figure, table


def _importance(drawn: Drawn) -> tuple[Figure, Table]:
    """How much of the metric's variance each option explains, by fANOVA.

    Where trials are given up early, those that are not are all alike. So it is of the metric at the first epoch at
    which trials are given up, which all have reached.
    """
    halving = drawn.study.sweep.halving
    found = _importances(drawn, None if halving is None else halving.min_iter)
    ordered = dict(sorted(found.items(), key=lambda item: item[1]))
    figure = Figure(figsize=(7, 1.2 + 0.4 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([drawn.names[option] for option in ordered], list(ordered.values()), color="C0", height=0.6)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    when = "" if halving is None else f" at epoch {halving.min_iter}"
    axes.set(xlabel=f"share of the variance of {drawn.metric}{when} (fANOVA)", xlim=(0, 1.08))
    axes.grid(alpha=0.3, axis="x")
    largest_first = list(reversed(ordered.items()))
    return figure, {
        "option": [option for option, _ in largest_first],
        "importance": [importance for _, importance in largest_first],
    }


def _importances(drawn: Drawn, epoch: int | None) -> dict[str, float]:
    """The importance of each option for the metric, at an epoch or at the end."""
    compared = optuna.create_study(direction=drawn.study.sweep.metric.goal)
    for record, trial in drawn.study.trials():
        value = record.value if epoch is None else record.epochs.get(epoch)
        if value is not None and (epoch is not None or record.state == TrialState.COMPLETE):
            compared.add_trial(create_trial(params=trial.params, distributions=trial.distributions, value=value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        evaluator = FanovaImportanceEvaluator(seed=drawn.seed)
        try:
            return get_param_importances(compared, evaluator=evaluator, params=list(drawn.axes))
        except RuntimeError:  # there is no variance to be explained
            return dict.fromkeys(drawn.axes, 0.0)


_FIGURES: dict[str, tuple[Callable[[Drawn], tuple[Figure, Table]], str]] = {
    "history": (_history, "the metric of each trial, and the best so far"),
    "importance": (_importance, "how much each option matters"),
    "parallel_coordinates": (parallel_coordinates, "the options of each trial"),
    "slices": (slices, "the metric against each option"),
}
