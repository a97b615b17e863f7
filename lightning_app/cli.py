"""The command line: LightningCLI with named callback slots, and errors of one message."""

import os
import shlex
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from omegaconf.errors import OmegaConfBaseException

from lightning_app.callbacks import (
    CheckpointProgress,
    ConfigRecord,
    EvaluationEnd,
    FiniteLoss,
    Interruption,
    LearningRate,
    StageProgressBar,
    StepSeed,
    TrainingEnd,
    ValidationSchedule,
)
from lightning_app.callbacks.checks import check_averages, check_callbacks, check_loggers, check_monitored
from lightning_app.commands.config_files import read_config
from lightning_app.commands.parser import PARSER_MODE, OneMessageParser
from lightning_app.errors import RunError, UsageError, one_message, options_named
from lightning_app.quiet import silence_libraries
from lightning_app.run_options import check_options, explained, monitored
from lightning_app.runs.checkpoint import require_fit
from lightning_app.runs.model_and_data import add_model_and_data
from lightning_app.runs.references import refuse_resolvers
from lightning_app.runs.run_arguments import with_run_arguments
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for
from lightning_app.runs.starting import checkpoint_to_load, refuse_to_overwrite
from lightning_app.runs.trust import foreign_records, restricted
from lightning_app.runs.whole_checkpoints import WholeCheckpoints
from lightning_app.termination import Terminated

CALLBACK_SLOTS = (
    "schedule",
    "checkpoint",
    "last_checkpoint",
    "early_stopping",
    "evaluation",
    "media",
    "latent_map",
    "predictions",
)
"""Roles that a configuration fills with a callback, or with null; each can be overridden by its name."""


class DisentangleCLI(LightningCLI):
    """LightningCLI for any model and data set of this project, with callbacks in named slots.

    What a run always has is added here: seeds that make resumed runs repeat, the check for a finite loss, the progress
    bar, the learning rate in the logs, the record of the configuration, and the mark of a training that has ended.
    """

    def __init__(self, args: list[str] | None = None) -> None:
        words = sys.argv[1:] if args is None else args
        arguments, records = with_run_arguments(words), foreign_records(words)
        for record in records:
            refuse_resolvers(record, read_config(record))
        with ExitStack() as self._held, options_named(self._keys), restricted(records, words):
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
                args=arguments,
            )

    def _keys(self) -> list[str]:
        """The keys of the subcommand's configuration; none before it is parsed."""
        config = getattr(self, "config", None)
        return [] if config is None else list(config[config.subcommand].keys(branches=True))

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(self.trainer_class, "trainer")
        add_model_and_data(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parses without Lightning's warning that arguments were passed: here they are, with their paths found."""
        self.config = parser.parse_args(args)
        check_options(self.config.subcommand, self.config[self.config.subcommand])

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--name", type=str, default="unnamed", help="Name of the run: of its folder and in W&B.")
        parser.add_argument(
            "--run", help="Folder of a run: takes its configuration and best checkpoint, and writes to it."
        )
        parser.add_argument(
            "--trust",
            action="store_true",
            help="Let the record of a run from another machine name any class or function, which is then executed.",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="Remove the run that the folder of a `fit` holds, and start anew."
        )
        for slot in CALLBACK_SLOTS:
            parser.add_lightning_class_args(Callback, slot, subclass_mode=True, required=False)

    def _check(self, stage: str) -> None:
        check_callbacks(self.trainer, self.model, self.datamodule, stage)
        check_loggers(self.trainer)

    def before_fit(self) -> None:
        self._check("fit")
        check_averages(self.trainer, self.model)
        followed = monitored(self.config["fit"])
        check_monitored(self.trainer, self.model, {f"{slot}.monitor": score for slot, score in followed.items()})

    def fit(self, **kwargs: Any) -> None:
        """Trains; a run that is to be replaced stays until there are data to train another on."""
        if self._answers and self._get(self.config, "overwrite"):
            self.datamodule.prepare_data()
            self._folder.clear()
        self.trainer.fit(**kwargs)

    def before_validate(self) -> None:
        self._check("validate")

    def before_test(self) -> None:
        self._check("test")

    def before_predict(self) -> None:
        self._check("predict")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        config = {**self._get(self.config_init, "trainer", default={}), **kwargs}
        if getattr(self.datamodule, "shares_batches", False):  # see datamodules.protocols.SharesBatches
            config["use_distributed_sampler"] = False
        callbacks = [callback for slot in CALLBACK_SLOTS if (callback := self._get(self.config_init, slot)) is not None]
        callbacks += [FiniteLoss(), LearningRate(), CheckpointProgress(), ValidationSchedule()]
        callbacks += [TrainingEnd(), EvaluationEnd(), Interruption()]
        seed = self._get(self.config, "seed_everything")
        if seed is not False:
            callbacks.append(StepSeed(seed))
        if config.get("enable_progress_bar") is not False:
            callbacks.append(StageProgressBar())
        trainer = self._instantiate_trainer(config, callbacks)
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:  # and none that was asked for
            trainer.strategy.checkpoint_io = WholeCheckpoints()
        return trainer

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """An evaluation prints a table of its own; Lightning's would repeat it. Checkpoints never run code."""
        kwargs = {**super()._prepare_subcommand_kwargs(subcommand), "weights_only": True}
        return kwargs | {"verbose": False} if "verbose" in kwargs and self._evaluates() else kwargs

    def _evaluates(self) -> bool:
        return self.subcommand == "test" and self._get(self.config_init, "evaluation") is not None

    def after_fit(self) -> None:
        """Says where the best checkpoint is, and what to type next."""
        best = next((path for one in self.trainer.checkpoint_callbacks if (path := _best(one))), None)
        if best is not None and self.trainer.is_global_zero:
            print(f"\nThe best checkpoint is {best}. To evaluate it:")
            print(f"  {shlex.join(['disentangle', 'test', '--run', self.trainer.default_root_dir])}")

    def _parse_ckpt_path(self) -> None:
        """Finds the checkpoint; Lightning would let it override the configuration here."""
        call = self.config[self.config.subcommand]
        if call.run is not None:
            raise RunError(f"--run {call.run} must follow the subcommand, as in `disentangle test --run {call.run}`.")
        self._folder = RunFolder(Path(call.trainer.default_root_dir or ".").expanduser())
        # Neither a dry run nor a process that another has started answers for the folder.
        self._answers = not call.trainer.fast_dev_run and getattr(rank_zero_only, "rank", 0) == 0
        self._checkpoint = checkpoint_to_load(self.config.subcommand, self._folder, call.ckpt_path)
        self._begins_again = call.ckpt_path == "last" and self._checkpoint is None
        call.ckpt_path = None if self._checkpoint is None else str(self._checkpoint)
        if self.config.subcommand == "fit" and self._answers:
            self._refuse_to_overwrite(call.overwrite)

    def after_instantiate_classes(self) -> None:
        # All that can be refused is refused before data are prepared.
        if self._checkpoint is not None:
            require_fit(self.model, self._checkpoint)
        if not self._answers:
            return
        self._held.enter_context(held_for(self.config.subcommand, self._folder))
        if self.subcommand == "fit":
            # Another may have trained there before this one held the folder.
            self._refuse_to_overwrite(self._get(self.config, "overwrite"))
            self._folder.remove_drafts()

    def _refuse_to_overwrite(self, overwrite: bool) -> None:
        refuse_to_overwrite(self._folder, self._checkpoint, overwrite, was_to_go_on=self._begins_again)


def _best(callback: Checkpoint) -> str | None:
    """The path of the best checkpoint; None where the callback follows no score."""
    path = callback.best_model_path if isinstance(callback, ModelCheckpoint) and callback.monitor else ""
    return os.path.relpath(path) if path else None


def main(args: list[str] | None = None) -> None:
    """Runs the command line; the project's own errors end it with one message and exit status 1."""
    silence_libraries()
    with one_message():
        try:
            with explained():
                DisentangleCLI(args)
        except Terminated:
            raise
        except SIGTERMException:
            raise Terminated from None  # Lightning's own status is 0, as if training had come to its end
        except SystemExit as end:
            # Lightning's own status for Ctrl-C is 1, as if training had failed.
            sys.exit(128 + signal.SIGINT if isinstance(end.__context__, KeyboardInterrupt) else end.code)
        except OmegaConfBaseException as error:
            said, where = str(error.msg or error).splitlines()[0], error.full_key
            raise UsageError(
                f"in the configuration{f', at {where}' if where else ''}: {said}. References are written like "
                "${seed_everything}, with the names of other options."
            ) from error
