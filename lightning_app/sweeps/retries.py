"""Failed trials that are made again.

To Optuna a trial that has failed stays so. Another one with the same values takes its place in the sweep: its number,
and so its folders, where runs that have checkpoints go on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, Trial

_OF, _NUMBER = "retry of", "number"


def number_of(trial: Trial | FrozenTrial) -> int:
    """Returns the number that a trial has in its sweep: that of the one whose place it takes, if it does."""
    number: int = trial.user_attrs.get(_NUMBER, trial.number)
    return number


def attributes_of_retry(trial: FrozenTrial) -> Mapping[str, Any]:
    """Returns what tells that another trial takes the place of this one."""
    return {_OF: trial.number, _NUMBER: number_of(trial)}


def latest(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Returns the trials of a sweep, each as it was made last.

    Of two retries that workers have put in at a time the first counts, and the other waits for ever.

    Args:
        trials: All trials, by Optuna's numbers.
    """
    retries: dict[int, FrozenTrial] = {}
    for trial in trials:
        if _OF in trial.user_attrs:
            retries.setdefault(trial.user_attrs[_OF], trial)
    return [_latest(trial, retries) for trial in trials if _OF not in trial.user_attrs]


def _latest(trial: FrozenTrial, retries: Mapping[int, FrozenTrial]) -> FrozenTrial:
    while trial.number in retries:
        trial = retries[trial.number]
    return trial
