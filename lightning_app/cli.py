"""The command line: LightningCLI with named callback slots, and errors of one message."""

import os
import shlex
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.exceptions import SIGTERMException
from omegaconf.errors import InterpolationKeyError

from lightning_app.callbacks import ConfigRecord, FiniteLoss, StageProgressBar, StepSeed, TrainingEnd
from lightning_app.commands.parser import PARSER_MODE, OneMessageParser
from lightning_app.errors import RunError, one_message
from lightning_app.quiet import silence_libraries
from lightning_app.run_options import check_options, explained

CALLBACK_SLOTS = ("schedule", "checkpoint", "last_checkpoint", "early_stopping", "evaluation", "media", "predictions")
"""Roles that a configuration fills with a callback, or with null; each can be overridden by its name."""


class DisentangleCLI(LightningCLI):
    """LightningCLI for any model and data set of this project, with callbacks in named slots.

    What a run always has is added here: seeds that make resumed runs repeat, the check for a finite loss, the progress
    bar, the record of the configuration, and the mark of a training that has ended.
    """

    def __init__(self, args: list[str] | None = None) -> None:
        super().__init__(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=ConfigRecord,
            parser_class=OneMessageParser,
            parser_kwargs={
                "parser_mode": PARSER_MODE,
                "prog": "disentangle",
                "description": "Disentangled representations of music audio.",
            },
            args=args,
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Without Lightning's warning that arguments were given; the command line gives them with its paths found."""
        self.config = parser.parse_args(args)
        check_options(self.config.subcommand, self.config[self.config.subcommand])

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--name", type=str, default="unnamed", help="Name of the run: of its folder and in W&B.")
        for slot in CALLBACK_SLOTS:
            parser.add_lightning_class_args(Callback, slot, subclass_mode=True, required=False)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        config = {**self._get(self.config_init, "trainer", default={}), **kwargs}
        callbacks = [callback for slot in CALLBACK_SLOTS if (callback := self._get(self.config_init, slot)) is not None]
        callbacks += [FiniteLoss(), TrainingEnd()]
        seed = self._get(self.config, "seed_everything")
        if seed is not False:
            callbacks.append(StepSeed(seed))
        if config.get("enable_progress_bar") is not False:
            callbacks.append(StageProgressBar())
        return self._instantiate_trainer(config, callbacks)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """An evaluation prints a table of its own; Lightning's would repeat it."""
        kwargs = super()._prepare_subcommand_kwargs(subcommand)
        return kwargs | {"verbose": False} if "verbose" in kwargs and self._evaluates() else kwargs

    def _evaluates(self) -> bool:
        return self.subcommand == "test" and self._get(self.config_init, "evaluation") is not None

    def after_fit(self) -> None:
        """Says where the best checkpoint is, and what to type next."""
        best = next((path for one in self.trainer.checkpoint_callbacks if (path := _best(one))), None)
        if best is not None and self.trainer.is_global_zero:
            record = Path(self.trainer.default_root_dir) / "config.yaml"
            print(f"\nThe best checkpoint is {best}. To evaluate it:")
            print(f"  {shlex.join(['disentangle', 'test', '-c', str(record), '--ckpt_path', best])}")

    def _parse_ckpt_path(self) -> None:
        """Checks the checkpoint's path; Lightning would let the checkpoint override the configuration here."""
        subcommand = self.config.subcommand
        path = self.config[subcommand].get("ckpt_path")
        if path is None and subcommand != "fit":
            raise RunError(f"disentangle {subcommand} needs a trained model: name its checkpoint with --ckpt_path.")
        if path is not None and not Path(path).is_file():
            raise RunError(f"no checkpoint at {path}; a run keeps its own in <default_root_dir>/checkpoints.")
        if path is not None and not _is_torch_file(path):
            raise RunError(f"{path} is not a checkpoint, or was cut short; take another, or train again.")


def _best(callback: Checkpoint) -> str | None:
    """The path of the best checkpoint, by one that knows what is best."""
    path = callback.best_model_path if isinstance(callback, ModelCheckpoint) and callback.monitor else ""
    return os.path.relpath(path) if path else None


def _is_torch_file(path: str) -> bool:
    """Whether a file is an archive that torch wrote, and is whole."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/data.pkl") for name in archive.namelist())


def main(args: list[str] | None = None) -> None:
    """Runs the command line; the project's own errors end it with one message and exit status 1."""
    silence_libraries()
    with one_message():
        try:
            with explained():
                DisentangleCLI(args)
        except SIGTERMException:
            sys.exit(128 + signal.SIGTERM)  # Lightning's own is 0, as if training had come to its end
        except SystemExit as end:
            # Lightning's own status for Ctrl-C is 1, as if training had failed.
            sys.exit(128 + signal.SIGINT if isinstance(end.__context__, KeyboardInterrupt) else end.code)
        except InterpolationKeyError as error:
            print(f"error: in the configuration: {error}", file=sys.stderr)
            sys.exit(2)
