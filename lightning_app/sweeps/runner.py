"""Makes the trials of a sweep, several at a time."""

import asyncio
import signal
from collections.abc import Mapping
from typing import cast

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.runs.run_processes import call, environment_of, failure
from lightning_app.sweeps.progress import SweepProgress
from lightning_app.sweeps.retries import number_of
from lightning_app.sweeps.study import SweepStudy
from lightning_app.sweeps.trials import TrialRun, logged_epochs

_SECONDS_BETWEEN_LOOKS = 0.5


class _FailedError(Exception):
    """A run of a trial has failed; says how."""


class _Pruned(Exception):  # noqa: N818, as it is no error
    """A trial was given up."""


def make_trials(study: SweepStudy, jobs: int) -> None:
    """Makes what is left of a sweep's trials; each run is a process, and those of a trial come one after another.

    Args:
        study: The study.
        jobs: Number of trials at a time.

    Raises:
        RunError: The storage no longer answers.
    """
    try:
        asyncio.run(_make_trials(study, jobs))
    except (SQLAlchemyError, StorageInternalError) as error:
        said = " ".join(str(error).split())
        raise RunError(
            f"the storage of {study.sweep.name} no longer answers: {said}. The same command goes on."
        ) from error


async def _make_trials(study: SweepStudy, jobs: int) -> None:
    # Ctrl-C does the same of itself.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cast(asyncio.Task, asyncio.current_task()).cancel)
    n_left = sum(not record.state.is_finished() for record in study.records()) + study.n_missing
    at_once = max(1, min(jobs, n_left))
    with SweepProgress(study) as progress:
        try:
            async with asyncio.TaskGroup() as workers:
                for place in range(at_once):
                    workers.create_task(_work(study, environment_of(place, at_once), progress))
        except BaseExceptionGroup as group:
            # All of them end where one does; the first has the cause.
            raise group.exceptions[0] from None


async def _work(study: SweepStudy, environment: Mapping[str, str], progress: SweepProgress) -> None:
    while (trial := study.take()) is not None:
        progress.show()
        try:
            await _make(study, trial, environment)
        except _Pruned:
            study.prune(trial)
        except (_FailedError, RunError) as error:
            study.fail(trial, str(error))
        progress.show(ended=number_of(trial))


async def _make(study: SweepStudy, trial: optuna.Trial, environment: Mapping[str, str]) -> None:
    """Makes the runs of a trial, and scores it."""
    values = study.values_of(trial)
    seeds = study.sweep.seeds or (None,)
    scores = []
    for seed in seeds:
        run = TrialRun(study.sweep, number_of(trial), values, seed, study.folder)
        if run.started_otherwise():
            raise _FailedError(
                f"{run.folder.path} holds a run with other options than this trial's; remove it, or give the sweep "
                "another name or folder."
            )
        if commands := run.commands():
            with whole_file(run.folder.experiment) as draft:
                draft.write_text(run.choices)
        # Of the replicates the first tells whether to give a trial up, and spares the others' time.
        follows = study.sweep.halving is not None and seed == seeds[0]
        for command in commands:
            own = {**run.wandb_variables, **environment}  # what the user has set stays
            work = asyncio.create_task(call(command, run.folder.output, own))
            status = await _followed(study, trial, run, work, follows)
            if status:
                raise _FailedError(f"{run.name}, {failure(command, status, run.folder.output)}")
        scores.append(run.score())
        study.add_score(trial, seed, scores[-1])
    study.complete(trial, sum(scores) / len(scores))


async def _followed(
    study: SweepStudy, trial: optuna.Trial, run: TrialRun, work: asyncio.Task[int], follows: bool
) -> int:
    """Waits for a process, and meanwhile looks at what the run logs, where the trial may be given up.

    Returns:
        The process's exit status.

    Raises:
        _Pruned: The trial was given up, and the process has been ended.
    """
    try:
        while not work.done():
            await asyncio.wait([work], timeout=_SECONDS_BETWEEN_LOOKS)
            study.check()
            if follows and _is_to_be_given_up(study, trial, run) and not work.done():
                raise _Pruned
        return work.result()
    finally:
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


def _is_to_be_given_up(study: SweepStudy, trial: optuna.Trial, run: TrialRun) -> bool:
    """Reports the epochs that have been logged since, and asks at each whether to give the trial up."""
    try:
        epochs = logged_epochs(run.folder, study.sweep.metric)
    except (RunError, ValueError):  # there is no epoch yet, or half a number
        return False
    known = study.reported_epochs(trial)
    for epoch, value in sorted(epochs.items()):
        if epoch + 1 not in known:
            trial.report(value, epoch + 1)
            if trial.should_prune():
                return True
    return False
