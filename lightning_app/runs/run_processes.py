"""Runs as processes: the one place that starts ``disentangle fit`` and ``test`` for others, and ends them."""

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from datamodules.storage.cores import usable_cores
from lightning_app.parent_process import ending_with_this_process
from lightning_app.runs.run_folder import RunFolder

SLURM_JOB = "SLURM_NTASKS"
"""The variable by which Lightning knows that it is in a job of SLURM."""
_WANDB_SERVICE = "WANDB_SERVICE"
_SECONDS_TO_END = 20.0


def commands_left(folder: RunFolder, fit: Sequence[str], test: Sequence[str]) -> list[list[str]]:
    """Lists what is left to do of a run; training goes on where it was stopped.

    Args:
        folder: The run's folder.
        fit: The arguments of ``disentangle`` that train it from the start.
        test: Those that evaluate it; none where it is not to be evaluated.
    """
    evaluation = [[*test]] if test else []
    if folder.is_trained():
        return evaluation
    if folder.checkpoint_files():
        return [[*fit, "--ckpt_path", "last"], *evaluation]
    # What was stopped before its first checkpoint starts anew.
    return [[*fit, *(["--overwrite"] if folder.holds_run() else [])], *evaluation]


def environment_of(place: int, at_once: int) -> dict[str, str]:
    """Returns the environment of one of several runs at a time: its share of the cores, and a GPU of its own.

    What is set by the user stays. Lightning is not told that it is in a job of SLURM, since it would take the job for
    its own: it checks the number of tasks, and requeues the job on a signal. Nor is W&B told of the service of this
    process's own run, which would end with it.

    Args:
        place: The run's place among those at a time, from 0.
        at_once: Number of runs at a time.
    """
    gpus = _gpus()
    gpu = {"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {}
    share = {"OMP_NUM_THREADS": str(max(1, usable_cores() // at_once))}
    given = {name: value for name, value in os.environ.items() if name not in (SLURM_JOB, _WANDB_SERVICE)}
    return {**share, **given, **gpu}


async def call(arguments: Sequence[str], output: Path, environment: Mapping[str, str]) -> int:
    """Calls ``disentangle`` in a process, and returns its exit status.

    The process ends with this one, and where the task that awaits it is cancelled: asked to first, then forced to.

    Args:
        arguments: The subcommand and its arguments.
        output: The file that what it prints is added to, beneath the command.
        environment: The variables of its environment.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("a") as file:
        print(f"$ {typed(arguments)}", file=file, flush=True)
        process = await asyncio.create_subprocess_exec(
            # -P: a folder lightning_app in the working directory is not this one.
            *[sys.executable, "-P", "-m", "lightning_app", *arguments],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            env=ending_with_this_process(environment),
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _SECONDS_TO_END)
            except TimeoutError:
                process.kill()
                await process.wait()
            raise


def typed(arguments: Sequence[str]) -> str:
    """Returns a command as one would type it."""
    return shlex.join(["disentangle", *arguments])


def failure(command: Sequence[str], status: int, output: Path) -> str:
    """Returns what there is to say of a command that failed: its error, or the last line that it printed."""
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines() if line.strip()]
    own = lines[max(number for number, line in enumerate(lines) if line.startswith("$ ")) :]
    # The loggers have their say after an error.
    said = [line for line in own if line.startswith("error:")] or own
    return f"{command[0]}: {said[-1]} (exit status {status}; all of it in {output})"


def _gpus() -> list[str]:
    """The GPUs that runs may have, as CUDA names them; torch, which would take memory of each, is not asked."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return [str(number) for number, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]
