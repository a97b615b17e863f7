"""What a call of the command line may do to a run's folder, and which checkpoint it takes up."""

import sys
from pathlib import Path

from lightning_app.errors import RunError
from lightning_app.runs.checkpoint import newest_whole_checkpoint, read_checkpoint
from lightning_app.runs.run_folder import RunFolder


def checkpoint_to_load(subcommand: str, folder: RunFolder, given: str | None) -> Path | None:
    """Finds the checkpoint that a call names, and checks that it can be read.

    Args:
        subcommand: Name of the subcommand, like fit.
        folder: Folder of the run.
        given: The value of ``--ckpt_path``: a path, or ``last`` for the newest whole one of the folder.

    Returns:
        The checkpoint; None for a training that starts from the beginning, as it does with ``last`` where there is no
        checkpoint yet.

    Raises:
        RunError: There is no such checkpoint, it is spoilt, or a subcommand that needs one was given none.
    """
    if given is None:
        if subcommand == "fit":
            return None
        raise RunError(
            f"disentangle {subcommand} needs a trained model: name its run with --run, or its checkpoint with "
            "--ckpt_path."
        )
    if given == "last":
        if subcommand == "fit" and not folder.checkpoint_files() and not folder.is_trained():
            # So that one command starts a training and, repeated after it was stopped, goes on with it.
            print(f"{folder.path} has no checkpoint yet: training starts from the beginning.", file=sys.stderr)
            return None
        return newest_whole_checkpoint(folder)
    path = Path(given).expanduser()
    read_checkpoint(path)
    return path


def refuse_to_overwrite(
    folder: RunFolder, checkpoint: Path | None, overwrite: bool, *, was_to_go_on: bool = False
) -> None:
    """Refuses a training that would mix its files with those of an earlier one.

    Args:
        folder: Folder that the training would write to.
        checkpoint: The checkpoint that it goes on from, if any.
        overwrite: Whether the earlier run is to be removed.
        was_to_go_on: Whether training was to go on and has no checkpoint yet, as after a stop in its first epoch.

    Raises:
        RunError: The folder holds a run that this training does not go on with.
    """
    goes_on = checkpoint is not None and checkpoint.resolve().is_relative_to(folder.path.resolve())
    if overwrite and goes_on:
        raise RunError(
            f"--overwrite would remove {checkpoint}, which training is to go on from; leave one of them out."
        )
    if folder.holds_run() and not goes_on and not overwrite and not was_to_go_on:
        raise RunError(
            f"{folder.path} already holds a run. Go on with it by --ckpt_path last, replace it with --overwrite, or "
            "keep both and give this one another --name."
        )
