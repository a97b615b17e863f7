"""What a run is and how far it has come, without loading its model."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import is_held
from lightning_app.runs.run_log import BestEpoch, best_epoch, validation_epochs


class State(StrEnum):
    """Where a run's training stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    """Before its end: by Ctrl-C, a time limit or a callback. ``--ckpt_path last`` goes on."""
    FINISHED = "finished"
    FAILED = "failed"
    """An error has ended it, or it was killed."""


@dataclass(frozen=True)
class RunSummary:
    """A run as lists of runs show it.

    Attributes:
        folder: The run's folder.
        config: Its configuration, all references resolved.
        state: Where its training stands.
        epochs: Number of validated epochs so far.
        best: The best epoch by the score that the best checkpoint follows; None before the first epoch.
        scores: The scores of its evaluation by their keys; empty before ``test``.
        size: Bytes of all its files.
    """

    folder: RunFolder
    config: dict[str, Any]
    state: State
    epochs: int
    best: BestEpoch | None
    scores: dict[str, float]
    size: int

    @classmethod
    def of(cls, folder: RunFolder) -> "RunSummary":
        """Reads a run's folder.

        Raises:
            RunError: It is not that of a run, or of one of this version.
        """
        config = folder.read_config()
        followed = _followed(config)
        epochs, best = 0, None
        if followed is not None:
            try:
                epochs = int(validation_epochs(folder, [followed[0]])["epoch"][-1]) + 1
                best = best_epoch(folder, followed[0], followed[1])
            except RunError:  # no epoch has ended yet
                pass
        scores = EvaluationRecord.read(folder).scores if folder.evaluation.is_file() else {}
        size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file() and not file.is_symlink())
        return cls(folder, config, _state(folder), epochs, best, scores, size)

    @property
    def model(self) -> str:
        """Name of the model's class."""
        return self._class("model")

    @property
    def data(self) -> str:
        """Name of the data module's class, without what all of them end in."""
        return self._class("data").removesuffix("DataModule")

    def option(self, name: str) -> Any:
        """Returns the value of an option as one types it, like ``model.z_dim``.

        Raises:
            RunError: The configuration has no such option.
        """
        value: Any = self.config
        for key in name.split("."):
            inner = value.get("init_args", {}) if isinstance(value, dict) else {}
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif key in inner:
                value = inner[key]
            else:
                raise RunError(f"{self.folder.config} has no {name}; name an option of the run, like model.z_dim.")
        return value

    def _class(self, part: str) -> str:
        return str(self.config[part].get("class_path", "")).rpartition(".")[2]


def find_runs(root: Path) -> Iterator[RunFolder]:
    """Finds the runs in a folder, at any depth, in the order of their paths; a run's own folder is not searched.

    Raises:
        RunError: There is no such folder.
    """
    if not root.is_dir():
        raise RunError(f"no folder {root}; name the folder of your runs, like runs.")
    if RunFolder(root).holds_run():
        yield RunFolder(root)
        return
    for inner in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        yield from find_runs(inner)


def _state(folder: RunFolder) -> State:
    if is_held(folder):
        return State.RUNNING
    training = folder.training()
    if training is None or training.ended_by == "error":
        return State.FAILED
    return State.FINISHED if training.finished else State.STOPPED


def _followed(config: dict[str, Any]) -> tuple[str, Any] | None:
    """The score that the best checkpoint follows, and whether the least or the greatest is the best."""
    checkpoint = (config.get("checkpoint") or {}).get("init_args", {})
    monitor = checkpoint.get("monitor")
    return None if monitor is None else (monitor, checkpoint.get("mode", "min"))
