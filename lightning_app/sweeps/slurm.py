"""A sweep as a job array of SLURM: workers on one study, each started by the same command."""

import os
import shlex
import sys
from pathlib import Path

from lightning_app.errors import UsageError
from lightning_app.files import whole_file
from lightning_app.sweeps.sweep_file import Sweep

_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --output={folder}/slurm-%A_%a.txt
#SBATCH --open-mode=append
#SBATCH --requeue
{options}
# Each worker takes trials until none is left. One that is requeued, or started anew, goes on with what was left.
cd {directory}
exec {command}
"""


def job_script(
    sweep: Sweep, folder: Path, *, jobs: int, runs: Path, storage: str | None, seed: int, workers: int, options: str
) -> str:
    """Returns the script of a job array whose workers make the trials of a sweep.

    Args:
        sweep: The sweep.
        folder: The sweep's folder, which all machines reach.
        jobs: Number of trials at a time of each worker.
        runs: The folder of runs.
        storage: URL of a database that all machines reach.
        seed: Seed of the draw of values.
        workers: Number of workers.
        options: More options of sbatch, as they are typed.

    Raises:
        UsageError: Several workers without a database, or options that cannot be read.
    """
    if workers < 1:
        raise UsageError(f"slurm is {workers}; it is the number of workers, 1 or more.")
    if storage is None or storage.startswith("sqlite"):
        raise UsageError(
            "--slurm: the workers are on several machines, and the trials in a database that all of them reach; name "
            "one like --storage postgresql://user@host/database."
        )
    try:
        more = shlex.split(options)
    except ValueError as error:
        raise UsageError(f"slurm_options {options!r}: {error}.") from error
    words = [sys.executable, "-P", "-m", "lightning_app", "sweep", "run", str(sweep.path.resolve())]
    words += ["--jobs", str(jobs), "--runs", str(runs.resolve()), "--storage", storage, "--seed", str(seed)]
    return _SCRIPT.format(
        name=sweep.name,
        last=workers - 1,
        folder=folder.resolve(),
        options="".join(f"#SBATCH {option}\n" for option in more),
        directory=shlex.quote(os.getcwd()),  # noqa: PTH109
        command=shlex.join(words),
    )


def write_script(script: str, folder: Path) -> Path:
    """Writes a job script to the sweep's folder, and returns its path."""
    path = folder / "sweep.sbatch"
    with whole_file(path) as draft:
        draft.write_text(script)
    return path
