"""What a call of the command line may do to a run's folder, and which checkpoint it takes up."""

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
        return newest_whole_checkpoint(folder)
    path = Path(given).expanduser()
    read_checkpoint(path)
    return path


def refuse_to_overwrite(folder: RunFolder, checkpoint: Path | None, overwrite: bool) -> None:
    """Refuses a training that would mix its files with those of an earlier one.

    Args:
        folder: Folder that the training would write to.
        checkpoint: The checkpoint that it goes on from, if any.
        overwrite: Whether the earlier run is to be removed.

    Raises:
        RunError: The folder holds a run that this training does not go on with.
    """
    goes_on = checkpoint is not None and checkpoint.resolve().is_relative_to(folder.path.resolve())
    if overwrite and goes_on:
        raise RunError(
            f"--overwrite would remove {checkpoint}, which training is to go on from; leave one of them out."
        )
    if folder.holds_run() and not goes_on and not overwrite:
        raise RunError(
            f"{folder.path} already holds a run. Go on with it by --ckpt_path last, replace it with --overwrite, or "
            "keep both and give this one another --name."
        )
