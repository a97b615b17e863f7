"""Sweeps over options: ``disentangle sweep run``, ``best`` and ``plot``."""

import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lightning_app.commands.table import Command, run_command
from lightning_app.errors import UsageError


def main(words: Sequence[str]) -> None:
    """Runs the part of it that the first word names."""
    run_command("disentangle sweep", "Tries values of options, and tells which are best.", PARTS, words)


def run(
    file: str,
    jobs: int = 1,
    runs: Path = Path("runs"),
    storage: str | None = None,
    seed: int = 0,
    dry_run: bool = False,
    retry_failed: bool = False,
    slurm: int | None = None,
    slurm_options: str = "",
) -> None:
    """Makes the trials of a sweep that are not finished, each run in a process and a folder of its own.

    The options of the runs are checked before one starts. A trial that fails is recorded with its error, and the others
    go on. Ctrl-C ends all that is running; the same command goes on from there. Give it several times, also on several
    machines with one storage and one folder of runs, and the trials are shared between them.

    Args:
        file: The sweep file, in the form of W&B: a path, or the name of one of the project's own.
        jobs: Number of trials at a time. Each has its share of the CPU's cores, unless OMP_NUM_THREADS is set, and a
            GPU where there are some.
        runs: The folder of runs; those of the sweep are in a folder there, of the sweep's name.
        storage: URL of a database to keep the trials in, like postgresql://user@host/database; by default they are kept
            in a journal in the sweep's folder, which serves one machine.
        seed: Seed of the draw of values.
        dry_run: Print the commands of the first trial, or the job script, and run nothing.
        retry_failed: Make the trials that have failed again, with their values; their runs go on from where they were.
        slurm: Number of workers of a job array of SLURM: writes its script to the sweep's folder and runs nothing.
        slurm_options: Options of the job's sbatch, given like --slurm_options="--partition=gpu --gres=gpu:1".
    """
    from lightning_app.sweeps.running import run_sweep, write_job

    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; it must be 1 or more.")
    if slurm is None:
        run_sweep(file, jobs, runs, storage, seed, dry_run, retry_failed)
    elif retry_failed:
        raise UsageError("--retry_failed is for a worker, and --slurm starts none; give it to a `sweep run` without.")
    else:
        write_job(file, jobs, runs, storage, seed, dry_run, slurm, slurm_options)


def best(
    file: str, top: int = 10, runs: Path = Path("runs"), storage: str | None = None, output: Path | None = None
) -> None:
    """Prints the best trials of a sweep with the mean and the spread over their seeds, and writes the best as a YAML.

    Args:
        file: The sweep file, or the folder of the sweep.
        top: Number of trials to print.
        runs: The folder of runs that the sweep was started with.
        storage: URL of the database that the trials are in, where they are in one.
        output: The file to write; by default best.yaml in the sweep's folder. `disentangle fit -c` takes it.
    """
    from lightning_app.sweeps.best import show_best

    show_best(file, top, runs, storage, output)


def plot(
    file: str, runs: Path = Path("runs"), storage: str | None = None, output: Path | None = None, seed: int = 0
) -> None:
    """Draws a sweep: its history, the importance of options, parallel coordinates, and slices.

    Args:
        file: The sweep file, or the folder of the sweep.
        runs: The folder of runs that the sweep was started with.
        storage: URL of the database that the trials are in, where they are in one.
        output: Folder of the figures; by default figures in the sweep's folder.
        seed: Seed of the forest that importances are computed by.
    """
    from lightning_app.sweeps.plots import draw_sweep

    draw_sweep(file, runs, storage, output, seed)


def _part(function: Callable[..., None], words: Sequence[str]) -> None:
    import asyncio

    from lightning_app.commands.function_command import call_function

    try:
        call_function(function, words, f"disentangle sweep {function.__name__}", positional=["file"])
    except (KeyboardInterrupt, asyncio.CancelledError) as end:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        # What is cancelled was told to end by SIGTERM.
        sys.exit(128 + (signal.SIGINT if isinstance(end, KeyboardInterrupt) else signal.SIGTERM))


PARTS = {
    "run": Command("Make the trials of a sweep that are not finished.", partial(_part, run)),
    "best": Command("Print the best trials, and write the best as a configuration.", partial(_part, best)),
    "plot": Command("Draw what a sweep has found.", partial(_part, plot)),
}
