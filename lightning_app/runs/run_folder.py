"""Where everything in a run's folder lies."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from datamodules.storage.whole import remove_drafts
from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.runs.references import refuse_resolvers

if TYPE_CHECKING:  # too slow to import for a look at files
    from lightning import Trainer

# What a run writes. Nothing else is ever removed.
_FILES = (
    *[
        "config.yaml",
        "config.*.yaml",
        "machine*.json",
        "metrics.csv",
        "metrics.*.csv",
        "training.json",
        "evaluation.json",
        "clip_scores.npz",
        "encodings.npz",
        "report.html",
        "wandb.json",
        "checkpoints/*.ckpt",
    ],
    *["media/epoch_*/*", "media/test/*", "figures/*.png", "figures/*.svg", "figures/*.csv"],
    *["figures/*/*.wav", "tensorboard/events.out.tfevents.*", "tensorboard/hparams.yaml"],
)
_FOLDERS = ("checkpoints", "media", "figures", "tensorboard")
# Options of the project's own classes that version 0.1 had, by which its runs are told.
_OUTDATED = {"data": ("datamodules.", ("log_mel", "spectrogram")), "model": ("modules.", ("n_features", "size"))}


@dataclass(frozen=True)
class Training:
    """The mark of a training that has ended.

    Attributes:
        epochs: Number of its epochs.
        steps: Number of its optimiser steps.
        best_step: The step that the best checkpoint was trained to; None where there is no such checkpoint.
        ended_by: What ended it, like max_epochs; None where that is not known.
        finished: Whether it would not go on if it were resumed.
    """

    epochs: int
    steps: int
    best_step: int | None = None
    ended_by: str | None = None
    finished: bool = True


@dataclass(frozen=True)
class RunFolder:
    """A run's folder: the one place that knows where things lie in it.

    Attributes:
        path: The folder, like runs/ts_dsae. It may be moved.

    >>> RunFolder(Path("runs/mine")).best_checkpoint.as_posix()
    'runs/mine/checkpoints/best.ckpt'
    """

    path: Path

    @classmethod
    def of(cls, trainer: "Trainer") -> "RunFolder":
        """Returns the folder that a trainer's run writes to."""
        return cls(Path(trainer.default_root_dir))

    @property
    def config(self) -> Path:
        """The configuration of the training."""
        return self.path / "config.yaml"

    def config_of(self, subcommand: str) -> Path:
        """The configuration of the last call of a subcommand."""
        return self.config if subcommand == "fit" else self.path / f"config.{subcommand}.yaml"

    def machine_of(self, subcommand: str) -> Path:
        """What the last call of a subcommand ran on."""
        return self.path / ("machine.json" if subcommand == "fit" else f"machine.{subcommand}.json")

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_checkpoint(self) -> Path:
        """The checkpoint to evaluate."""
        return self.checkpoints / "best.ckpt"

    @property
    def last_checkpoint(self) -> Path:
        """The checkpoint of the end of the last epoch."""
        return self.checkpoints / "last.ckpt"

    def checkpoint_files(self) -> list[Path]:
        """The files of the checkpoints, sorted by their names, without what a killed process has left of one."""
        return sorted(self.checkpoints.glob("[!.]*.ckpt"))

    @property
    def evaluation(self) -> Path:
        """The record of the last ``test``."""
        return self.path / "evaluation.json"

    @property
    def clip_scores(self) -> Path:
        """What the scores of the last ``test`` were made of, clip by clip."""
        return self.path / "clip_scores.npz"

    def encodings(self, filename: str = "encodings.npz") -> Path:
        """What ``predict`` writes."""
        return self.path / filename

    def media(self, name: str) -> Path:
        """The folder of pictures and sounds of an epoch, like ``epoch_0010``, or of ``test``."""
        return self.path / "media" / name

    def media_after(self, epoch: int) -> list[Path]:
        """The folders of media of later epochs than the given one."""
        folders = (folder for folder in self.path.glob("media/epoch_*") if folder.name[6:].isdigit())
        return [folder for folder in folders if int(folder.name[6:]) > epoch]

    @property
    def report(self) -> Path:
        """The page that ``disentangle report`` writes of this run alone."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of the figures of this run."""
        return self.path / "figures"

    def metrics_of(self, subcommand: str) -> Path:
        """What a call has logged: of ``fit`` over all its parts, of the others the last call."""
        return self.path / ("metrics.csv" if subcommand == "fit" else f"metrics.{subcommand}.csv")

    @property
    def wandb(self) -> Path:
        """The id of the run's W&B run, which all calls share, and how many of them have written to it."""
        return self.path / "wandb.json"

    @property
    def experiment(self) -> Path:
        """The choices of ``disentangle experiment`` that the run was started with, where it was."""
        return self.path / "experiment.txt"

    @property
    def output(self) -> Path:
        """What the run has printed, where ``disentangle experiment`` has started it."""
        return self.path / "output.txt"

    def lock(self, subcommand: str) -> Path:
        """The lock that a subcommand holds while it writes to the folder."""
        return self.path / (".lock" if subcommand == "fit" else f".{subcommand}.lock")

    def holder(self, subcommand: str) -> Path:
        """The number of the process that holds the lock of a subcommand."""
        return self.path / f"{self.lock(subcommand).name}.pid"

    # The mark of a training that has ended

    @property
    def _mark(self) -> Path:
        return self.path / "training.json"

    def training(self) -> Training | None:
        """Returns the mark of the training; None where it goes on, or has failed."""
        try:
            return Training(**json.loads(self._mark.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"cannot read {self._mark}; train the run again.") from error

    def is_trained(self) -> bool:
        """Whether the training has come to its end."""
        training = self.training()
        return training is not None and training.finished

    def mark_trained(self, training: Training) -> None:
        """Marks the training as one that has ended."""
        with whole_file(self._mark) as draft:
            draft.write_text(json.dumps(asdict(training)) + "\n")

    def unmark(self) -> None:
        """Takes the mark away, as training goes on."""
        self._mark.unlink(missing_ok=True)

    # The run as a whole

    def holds_run(self) -> bool:
        """Whether something has been trained here."""
        return self.config.exists() or self._mark.exists() or bool(self.checkpoint_files())

    def clear(self) -> None:
        """Removes all that a run has written here, and no other file."""
        for file in (file for pattern in _FILES for file in self.path.glob(pattern)):
            if not file.is_dir():
                file.unlink()
        shutil.rmtree(self.path / "wandb", ignore_errors=True)
        for folder in (self.path / name for name in _FOLDERS):
            for inner in [*folder.glob("*"), folder]:
                if inner.is_dir() and not any(inner.iterdir()):
                    inner.rmdir()

    def remove_drafts(self) -> None:
        """Removes what a killed process has left of files that it was writing; nobody else may be writing here."""
        for folder in (self.path, self.checkpoints, *self.path.glob("media/*")):
            remove_drafts(folder)

    def read_config(self) -> dict[str, Any]:
        """Reads the configuration of the training, with all references resolved.

        Raises:
            RunError: There is no such folder, no record of a run in it, or one of an earlier version.
        """
        if not self.path.is_dir():
            raise RunError(f"no folder {self.path}; name the folder of a run, like runs/ts_dsae.")
        try:
            config = OmegaConf.load(self.config)
            refuse_resolvers(self.config, OmegaConf.to_container(config, resolve=False))
            resolved: Any = OmegaConf.to_container(config, resolve=True)
        except FileNotFoundError:
            raise RunError(f"no {self.config}; name the folder of a run, like runs/ts_dsae.") from None
        except (OmegaConfBaseException, OSError, UnicodeDecodeError, YAMLError) as error:
            raise RunError(f"cannot read {self.config}: {' '.join(str(error).split())}") from error
        if not isinstance(config, DictConfig) or not {"model", "data"} <= resolved.keys():
            raise RunError(f"{self.config} is no record of a run: it has no model and data. Name the folder of a run.")
        if outdated := _outdated_options(resolved):
            raise RunError(
                f"{self.path} is a run of an earlier version of this project, whose configuration has "
                f"{', '.join(outdated)}; train it again with this version, under another name, or read it with the "
                "version that made it."
            )
        return resolved


def _outdated_options(config: Mapping[str, Any]) -> list[str]:
    """The options of a configuration that this version no longer has."""
    found = []
    for part, (package, names) in _OUTDATED.items():
        match config[part]:
            case {"class_path": str(path), "init_args": dict(arguments)} if path.startswith(package):
                found += [f"{part}.{name}" for name in names if name in arguments]
    return found
