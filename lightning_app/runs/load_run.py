"""The model and the data of a run, in Python."""

from argparse import ArgumentError
from pathlib import Path
from typing import Any, NamedTuple

from lightning import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.errors import RunError
from lightning_app.runs.checkpoint import load_weights, read_checkpoint
from lightning_app.runs.model_and_data import add_model_and_data
from lightning_app.runs.run_folder import RunFolder


class LoadedRun(NamedTuple):
    """What a run has trained, and on what."""

    model: LightningModule
    """The model with the weights of the best checkpoint, on the CPU, in evaluation mode."""
    data: LightningDataModule
    """The data module as it is made: neither prepared nor set up."""

    @property
    def representation(self) -> Any:
        """What the model hears of a clip's audio, and how to get back from it."""
        return self.data.representation  # type: ignore[attr-defined]


def load_run(folder: str | Path) -> LoadedRun:
    """Makes the model and the data of a run from its configuration and its best checkpoint.

    No trainer is made and so no logger: the run's folder stays as it is.

    Args:
        folder: Folder of the run, like ``runs/ts_dsae``.

    Raises:
        RunError: There is no such folder, it is not that of a run or of one of this version, or it has no whole
            checkpoint of its model.
        ModelError: The checkpoint is of a model with other settings.
        DataError: The data cannot be had with these options.
    """
    run = RunFolder(Path(folder).expanduser())
    config = run.read_config()
    read_checkpoint(run.best_checkpoint)  # whether it is whole is known sooner than the data are made
    parser = LightningArgumentParser(exit_on_error=False)
    add_model_and_data(parser)
    try:
        parsed = parser.parse_object({name: config[name] for name in ("model", "data")})
    except ArgumentError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{run.config} does not fit this version of the project; train again. {reason}") from error
    made = parser.instantiate(parsed)
    load_weights(made.model, run.best_checkpoint)
    return LoadedRun(made.model.eval(), made.data)
