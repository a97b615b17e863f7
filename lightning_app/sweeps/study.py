"""The trials of a sweep, which all its workers share: which there are, who works on them, and what came of them."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from lightning_app.sweeps.locks import TrialLocks
from lightning_app.sweeps.retries import attributes_of_retry, latest, number_of
from lightning_app.sweeps.samplers import pruner_of, sampler_of
from lightning_app.sweeps.sweep_file import Sweep

_SCORES, _ERROR, _WORKER = "scores", "error", "worker"


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the storage has it.

    Attributes:
        number: Its number in the sweep, from 0.
        state: Whether it waits, is running, complete, pruned or failed.
        values: The values of its options; those that are not drawn yet are missing.
        scores: The metric of each of its runs that is finished, by seed.
        value: The mean over its seeds, or the last epoch's where it was pruned; None where there is none.
        epochs: The metric of its first run at the epochs that were followed, counted from 1.
        error: What a failed one said last.
    """

    number: int
    state: TrialState
    values: Mapping[str, Any]
    scores: Mapping[str, float]
    value: float | None
    epochs: Mapping[int, float]
    error: str | None


class SweepStudy:
    """The study of a sweep. Several processes, on several machines, may have it open at a time.

    Trials are numbered from 0 to ``sweep.n_trials - 1``. They are put into the storage to wait, and a worker that takes
    one locks it first, so that whatever state it is in is the worker's to change. A trial that is running and not
    locked is of a worker that has died, and is taken up like one that waits: with its number and values. Trials that
    several workers have put in at a time beyond that number wait for ever, for a sweep that is extended.

    Args:
        sweep: The sweep.
        folder: The sweep's folder.
        storage: Where the trials are kept.
        locks: The trials' locks.
        seed: Seed of the draw of values.
    """

    def __init__(self, sweep: Sweep, folder: Path, storage: BaseStorage, locks: TrialLocks, seed: int) -> None:
        self.sweep = sweep
        self.folder = folder
        self._storage = storage
        self._locks = locks
        self.study = optuna.create_study(
            storage=storage,
            study_name=sweep.name,
            direction=sweep.metric.goal,
            sampler=sampler_of(sweep, seed),
            pruner=pruner_of(sweep),
            load_if_exists=True,
        )

    def take(self) -> Trial | None:
        """Takes a trial to work on: one that its worker has left, the next that waits, or a new one.

        Returns:
            The trial, with all its values drawn; None where there is nothing left to take.
        """
        while True:
            trials = self._wanted()
            for state in (TrialState.RUNNING, TrialState.WAITING):
                for trial in (one for one in trials if one.state == state):
                    if self._locks.take(trial.number):
                        if (taken := self._taken(trial)) is not None:
                            return taken
                        self._locks.release(trial.number)
            if len(trials) >= self.sweep.n_trials:
                return None
            self._add()

    def retry_failed(self) -> int:
        """Lets workers take the trials that have failed once more; returns how many these are.

        With their values and numbers, so that runs that have checkpoints go on.
        """
        while self.n_missing:  # a retry has a number of Optuna's own, and those of a grid tell the points
            self._add()
        failed = [trial for trial in self._wanted() if trial.state == TrialState.FAIL]
        for trial in failed:
            self.study.enqueue_trial(trial.params, dict(attributes_of_retry(trial)))
        return len(failed)

    def _add(self) -> None:
        self.study.add_trial(create_trial(state=TrialState.WAITING))

    def _taken(self, trial: FrozenTrial) -> Trial | None:
        """Begins to work on a trial that is locked; another worker may have ended it in the meantime."""
        trial_id = trial._trial_id  # Optuna has no public way to go on with a trial
        current = self._storage.get_trial(trial_id)
        if current.state.is_finished():
            return None
        if current.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        self.study._thread_local.cached_all_trials = None  # what the sampler knew of the others before
        taken = Trial(self.study, trial_id)
        taken.set_user_attr(_WORKER, f"{platform.node()}, process {os.getpid()}")
        for name, distribution in self.sweep.parameters.items():
            distribution.draw(taken, name)
        return taken

    def add_score(self, trial: Trial, seed: int | None, score: float) -> None:
        """Adds the metric of one of a trial's runs."""
        known = trial.user_attrs.get(_SCORES, {})
        trial.set_user_attr(_SCORES, {**known, str(seed): score})

    def complete(self, trial: Trial, value: float) -> None:
        """Ends a trial whose runs are all finished, with the mean of their metric."""
        self._tell(trial, values=value)

    def prune(self, trial: Trial) -> None:
        """Ends a trial that was given up."""
        self._tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, error: str) -> None:
        """Ends a trial of which a run has failed.

        Args:
            trial: The trial.
            error: What there is to say of it.
        """
        trial.set_user_attr(_ERROR, error)
        self._tell(trial, state=TrialState.FAIL)

    def _tell(self, trial: Trial, **result: Any) -> None:
        self.study.tell(trial, **result)
        self._locks.release(trial.number)

    def check(self) -> None:
        """Raises an error of the storage where it no longer answers, and so others may take this worker's trials."""
        self._locks.check()

    @property
    def n_missing(self) -> int:
        """Number of trials that are not in the storage yet."""
        return self.sweep.n_trials - len(self._wanted())

    def records(self) -> list[TrialRecord]:
        """Returns the trials by their numbers."""
        return [self.record(trial) for trial in self._wanted()]

    def trials(self) -> list[tuple[TrialRecord, FrozenTrial]]:
        """Returns the trials by their numbers, and what Optuna has of each."""
        return [(self.record(trial), trial) for trial in self._wanted()]

    def record(self, trial: FrozenTrial) -> TrialRecord:
        """Returns what the storage has of a trial."""
        drawn = trial.params
        values = {
            name: distribution.value(drawn[name])
            for name, distribution in self.sweep.parameters.items()
            if name in drawn
        }
        attributes = trial.user_attrs
        value = trial.values[0] if trial.values else None
        scores, error = attributes.get(_SCORES, {}), attributes.get(_ERROR)
        return TrialRecord(number_of(trial), trial.state, values, scores, value, trial.intermediate_values, error)

    def values_of(self, trial: Trial) -> dict[str, Any]:
        """Returns the values of the options of a trial that was taken."""
        drawn = trial.params
        return {name: distribution.value(drawn[name]) for name, distribution in self.sweep.parameters.items()}

    def reported_epochs(self, trial: Trial) -> Mapping[int, float]:
        """Returns what was reported of a trial, by this worker or the one before."""
        return self._storage.get_trial(trial._trial_id).intermediate_values

    def best(self, records: Sequence[TrialRecord]) -> TrialRecord | None:
        """Returns the best of the trials that are complete, if there are any."""
        ranked = self.ranked(records)
        return ranked[0] if ranked else None

    def ranked(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Returns the trials that are complete, the best first."""
        complete = [record for record in records if record.state == TrialState.COMPLETE and record.value is not None]
        sign = -1 if self.sweep.metric.goal == "maximize" else 1
        return sorted(complete, key=lambda record: sign * (record.value or 0.0))

    def _wanted(self) -> list[FrozenTrial]:
        return latest(self.study.get_trials(deepcopy=False))[: self.sweep.n_trials]
