"""Makes the runs of a figure: ``disentangle experiment --figure swap_f1 --data dmelodies --length short``."""

import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lightning_app.commands.function_command import call_function
from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.runs.evaluation_record import is_finished
from lightning_app.runs.experiments import EXPERIMENTS, Run, read_experiments
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_processes import call, commands_left, environment_of, failure, typed


@dataclass(frozen=True)
class _Work:
    """A run to be made: in which folder, by which arguments of ``disentangle``, and with which choices of the user."""

    run: Run
    runs: Path
    fit: list[str]
    choices: str

    @property
    def folder(self) -> RunFolder:
        return self.run.folder(self.runs)

    def commands(self) -> list[list[str]]:
        """What is left to do; training goes on where it was stopped."""
        return commands_left(self.folder, self.fit, self.run.test_arguments(self.runs))

    def started_otherwise(self) -> bool:
        """Whether what there is of the run came from other choices."""
        record = self.folder.experiment
        return self.folder.holds_run() and record.is_file() and record.read_text() != self.choices


def run_experiment(
    figure: str,
    data: str,
    z_dims: list[int] | None = None,
    posteriors: list[str] | None = None,
    seeds: list[int] | None = None,
    length: str = "published",
    jobs: int = 1,
    options: str = "",
    runs: Path = Path("runs"),
    experiments: Path = EXPERIMENTS,
    dry_run: bool = False,
) -> None:
    """Trains and evaluates those of a figure's runs that are not finished, each in a process of its own.

    What a run prints is in its folder, in ``output.txt``. Where one fails the others go on. Ctrl-C ends them all; the
    same command takes up what is left, each run from its last checkpoint.

    Args:
        figure: A figure of ``experiments``, like swap_f1.
        data: The data set, like dmelodies.
        z_dims: Only runs with one of these.
        posteriors: Only runs with one of these.
        seeds: Only runs with one of these.
        length: A length of ``experiments``, like published or short.
        jobs: Number of runs at a time. Each has its share of the CPU's cores, unless OMP_NUM_THREADS is set.
        options: More options of ``disentangle fit`` for every run, given like --options="--data.root ~/urmp".
        runs: The folder of the runs.
        experiments: The file that lists the runs of each figure.
        dry_run: Print the commands and run nothing.

    Raises:
        RunError: The figure has no such runs, runs were started otherwise, or runs failed.
    """
    if jobs < 1:
        raise RunError(f"jobs is {jobs}; it must be 1 or more.")
    try:
        more = shlex.split(options)
    except ValueError as error:
        raise RunError(f"options {options!r}: {error}.") from error
    described = read_experiments(experiments)

    def work_of(run: Run) -> _Work:
        fit = run.fit_arguments(experiments.parent, described.presets(run.model, length), runs)
        return _Work(run, runs, [*fit, *more], shlex.join([f"--length={length}", f"--options={options}"]))

    wanted = [work_of(run) for run in described.runs_of(figure, data, z_dims, posteriors, seeds)]
    if others := [work for work in wanted if work.started_otherwise()]:
        raise RunError(
            f"{', '.join(str(work.folder.path) for work in others)} began with other choices, the first with "
            f"{others[0].folder.experiment.read_text()}. Give the same, or another folder with --runs; what else there "
            "is to measure of a trained run, `disentangle test` measures with options of its own."
        )
    unfinished = [work for work in wanted if not is_finished(work.folder)]
    if dry_run:
        for command in (command for work in unfinished for command in work.commands()):
            print(typed(command))
        return
    failures = asyncio.run(_make_all(unfinished, jobs))
    if failures:
        raise RunError("\n  ".join([f"{len(failures)} of {len(unfinished)} runs failed:", *failures]))
    print(f"{len(wanted)} runs are finished, {len(unfinished)} of them made now.")


async def _make_all(unfinished: Sequence[_Work], jobs: int) -> list[str]:
    """Makes the runs, so many at a time, and returns what there is to say of those that failed."""
    # Ctrl-C does the same of itself.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cast(asyncio.Task, asyncio.current_task()).cancel)
    at_once = max(1, min(jobs, len(unfinished)))
    places: asyncio.Queue[int] = asyncio.Queue()
    for place in range(at_once):
        places.put_nowait(place)
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        overall = progress.add_task("runs", total=len(unfinished))

        async def make(work: _Work) -> str | None:
            place = await places.get()
            commands, failed = work.commands(), None
            shown = progress.add_task(work.run.name, total=len(commands))
            with whole_file(work.folder.experiment) as draft:
                draft.write_text(work.choices)
            for command in commands:
                if status := await call(command, work.folder.output, environment_of(place, at_once)):
                    failed = f"{work.run.name}, {failure(command, status, work.folder.output)}"
                    break
                progress.advance(shown)
            progress.remove_task(shown)
            progress.advance(overall)
            places.put_nowait(place)
            return failed

        failures = await asyncio.gather(*map(make, unfinished))
    return [failure for failure in failures if failure is not None]


def main(words: Sequence[str]) -> None:
    """Makes the runs that the options choose."""
    try:
        call_function(run_experiment, words, "disentangle experiment")
    except (KeyboardInterrupt, asyncio.CancelledError) as end:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        # What is cancelled was told to end by SIGTERM.
        sys.exit(128 + (signal.SIGINT if isinstance(end, KeyboardInterrupt) else signal.SIGTERM))
