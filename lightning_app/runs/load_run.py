"""A run in Python: its model, what that hears, and its data."""

from argparse import ArgumentError
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.errors import RunError
from lightning_app.runs.checkpoint import load_weights, read_checkpoint
from lightning_app.runs.data_record import DataRecord
from lightning_app.runs.loaded_run import LoadedRun
from lightning_app.runs.model_and_data import add_data, add_model_and_data, add_model_and_known
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.signature import is_signed_here
from lightning_app.runs.trust import restricted


def load_run(folder: str | Path, *, trust: bool = False) -> LoadedRun:
    """Makes the model of a run from its configuration and its best checkpoint.

    No trainer is made and so no logger: the run's folder stays as it is. The data are made only where the checkpoint
    does not tell what the model has to know of them.

    Args:
        folder: Folder of the run, like ``runs/ts_dsae``.
        trust: Whether a configuration that was not written on this machine may name any class or function, which is
            then executed; else it may name this project's, and what `lightning_app.runs.trust` says.

    Raises:
        RunError: There is no such folder, it is not that of a run or of one of this version, or it has no whole
            checkpoint of its model; or a configuration from elsewhere names what it may not.
        ModelError: The checkpoint is of a model with other settings.
        DataError: The data have to be made, and cannot be had with these options.
    """
    run = RunFolder(Path(folder).expanduser())
    config = run.read_config()
    checkpoint = read_checkpoint(run.best_checkpoint)  # whether it is whole is known sooner than anything is made
    parts = {name: config[name] for name in ("model", "data")}
    foreign = [] if trust or is_signed_here(run.config) else [run.config]
    both = _Parsed(run, foreign, add_model_and_data, parts)
    data_class = str(both.values.data.class_path)
    record = DataRecord.of_checkpoint(checkpoint, data_class)

    def make_data() -> Any:
        return _Parsed(run, foreign, add_data, {"data": parts["data"]}).made().data

    if record is not None:
        known = {"x_shape": list(record.x_shape), "attributes": list(record.attributes)}
        made = _Parsed(run, foreign, add_model_and_known, {"model": parts["model"], "data": known}).made()
        loaded = LoadedRun(run, made.model, record, make_data)
    else:
        made = both.made()
        loaded = LoadedRun(run, made.model, None, lambda: made.data)
    load_weights(loaded.model, run.best_checkpoint)
    loaded.model.eval()
    return loaded


class _Parsed:
    """Parts of a run's configuration, checked, from which objects are made."""

    def __init__(
        self,
        run: RunFolder,
        foreign: Sequence[Path],
        add: Callable[[LightningArgumentParser], None],
        parts: Mapping[str, Any],
    ) -> None:
        self._foreign = foreign
        self._parser = LightningArgumentParser(exit_on_error=False)
        add(self._parser)
        try:
            with restricted(foreign):
                self.values = self._parser.parse_object(dict(parts))
        except ArgumentError as error:
            reason = " ".join(str(error).split())
            raise RunError(f"{run.config} does not fit this version of the project; train again. {reason}") from error

    def made(self) -> Any:
        with restricted(self._foreign):
            return cast(Any, self._parser.instantiate(self.values))
