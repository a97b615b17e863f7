"""Starts a sweep: reads its file, checks what it asks for, and makes its trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError
from lightning_app.runs.run_processes import typed
from lightning_app.sweeps.opening import keep_file, open_study
from lightning_app.sweeps.runner import make_trials
from lightning_app.sweeps.slurm import job_script, write_script
from lightning_app.sweeps.study import SweepStudy
from lightning_app.sweeps.sweep_file import Sweep, find_sweep_file, read_sweep
from lightning_app.sweeps.trials import TrialRun


def run_sweep(
    file: str, jobs: int, runs: Path, storage: str | None, seed: int, dry_run: bool, retry_failed: bool = False
) -> None:
    """Makes the trials of a sweep that are not finished; see `lightning_app.commands.sweep.run`.

    Raises:
        RunError: Something in the file, an option of the runs, or the storage is wrong, or every trial failed.
    """
    sweep = read_sweep(find_sweep_file(file))
    # It imports torch, for which a mistake in the file does not wait.
    from lightning_app.sweeps.check import check_sweep, example_values

    folder = runs / sweep.name
    check_sweep(sweep)
    if dry_run:
        _print_first(sweep, folder, next(iter(example_values(sweep))))
        return
    study = open_study(sweep, folder, storage, seed)
    keep_file(sweep, folder)
    if retry_failed:
        print(f"Trials that have failed and are made again: {study.retry_failed()}.", flush=True)
    make_trials(study, jobs)
    where = [str(folder), *([] if storage is None else ["--storage", storage])]
    _print_end(study, where)


def _print_end(study: SweepStudy, where: list[str]) -> None:
    sweep, records = study.sweep, study.records()
    n_failed = sum(record.error is not None for record in records)
    n_ended = sum(record.state.is_finished() for record in records)
    if n_ended < sweep.n_trials:
        print(f"{n_ended} of {sweep.n_trials} trials of {sweep.name} have ended; other workers are at the rest.")
    elif study.best(records) is None:
        raise RunError(f"no trial of {sweep.name} is complete: {n_failed} failed, as is said above and in {where[0]}.")
    else:
        print(f"Ended: {n_ended} trials of {sweep.name}, of which {n_failed} failed. To see the best, and draw them:")
        print(f"  {typed(['sweep', 'best', *where])}\n  {typed(['sweep', 'plot', *where])}")


def write_job(
    file: str,
    jobs: int,
    runs: Path,
    storage: str | None,
    seed: int,
    dry_run: bool,
    workers: int,
    options: str,
) -> None:
    """Writes the script of a job array that makes the trials, or prints it; see `lightning_app.commands.sweep.run`.

    Raises:
        RunError: Something in the file, an option, or the storage is wrong.
    """
    sweep = read_sweep(find_sweep_file(file))
    folder = runs / sweep.name
    script = job_script(
        sweep, folder, jobs=jobs, runs=runs, storage=storage, seed=seed, workers=workers, options=options
    )
    if dry_run:
        print(script, end="")
        return
    from lightning_app.sweeps.check import check_sweep

    check_sweep(sweep)
    open_study(sweep, folder, storage, seed)
    keep_file(sweep, folder)
    print(f"Wrote {(path := write_script(script, folder))}. To start the {workers} workers:\n  sbatch {path}")


def _print_first(sweep: Sweep, folder: Path, values: Mapping[str, Any]) -> None:
    print(f"{sweep.n_trials} trials of {len(sweep.seeds or (None,))} runs, like this one:")
    run = TrialRun(sweep, 0, values, (sweep.seeds or (None,))[0], folder)
    for command in run.commands():
        print(typed(command))
