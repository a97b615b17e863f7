"""How the values of trials are chosen, such that a sweep that is stopped and goes on makes the trials it would have."""

from collections.abc import Sequence
from math import prod
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lightning_app.sweeps.sweep_file import Sweep

_N_STARTUP = 10


def sampler_of(sweep: Sweep, seed: int) -> BaseSampler:
    """Returns what chooses the values of a sweep's trials.

    Args:
        sweep: The sweep.
        seed: Seed of the draw; a grid needs none.
    """
    return _Grid(sweep) if sweep.method == "grid" else _SeededByTrial(sweep.method, seed)


def pruner_of(sweep: Sweep) -> BasePruner:
    """Returns what tells which trials to give up: successive halving, which W&B calls hyperband, or nothing."""
    if sweep.halving is None:
        return NopPruner()
    return SuccessiveHalvingPruner(min_resource=sweep.halving.min_iter, reduction_factor=sweep.halving.eta)


class _Grid(BaseSampler):
    """The points of a grid: trial k has the k-th, so that no two workers make the same one, as with Optuna's own.

    The first option changes slowest.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._points = {name: list(distribution.points() or ()) for name, distribution in sweep.parameters.items()}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        names = list(self._points)
        faster = prod(len(self._points[name]) for name in names[names.index(param_name) + 1 :])
        points = self._points[param_name]
        point = trial.number // faster % len(points)
        choices = getattr(param_distribution, "choices", None)
        return points[point] if choices is None else choices[point]


class _SeededByTrial(BaseSampler):
    """Optuna's random sampler or its TPE, with a seed for each trial.

    A sampler that is seeded once would draw the first trials' values anew when the sweep is started again.
    """

    def __init__(self, method: str, seed: int) -> None:
        self._method = method
        self._seed = seed
        self._samplers: dict[int, BaseSampler] = {}

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._samplers:
            seed = (self._seed * 1_000_003 + trial.number) % 2**32
            self._samplers[trial.number] = (
                RandomSampler(seed) if self._method == "random" else TPESampler(seed=seed, n_startup_trials=_N_STARTUP)
            )
        return self._samplers[trial.number]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._of(trial).before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._of(trial).after_trial(study, trial, state, values)
        self._samplers.pop(trial.number, None)
