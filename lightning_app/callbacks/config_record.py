"""Keeps the full configuration with the run, and what machine it ran on."""

import json
from typing import Any

import yaml
from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.machine import machine
from lightning_app.runs.portable_paths import with_portable_paths
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.signature import signed


class ConfigRecord(SaveConfigCallback):
    """Writes the resolved configuration to the run's folder, and gives all of it to every logger.

    Loggers also get the git ``commit``, the ``versions`` of packages, and the ``data_key``: the data's ``cache_key``.

    A logger with a method ``begin(subcommand, step)`` is told which call begins, and the step that it goes on from.

    ``fit`` writes ``config.yaml``, which the other subcommands take with ``-c``; each of those writes
    ``config.<subcommand>.yaml``. Beside it, ``machine.json`` or ``machine.<subcommand>.json`` has what
    `lightning_app.machine.machine` returns, and the ``seed``, the ``data_key``, the number of ``processes``, and that
    of ``loader_workers`` of each. Both are written when the work starts, so a run that fails before, say on a
    checkpoint of another model, leaves the records of the run before it as they were. Paths in the run's folder are
    written as references to it, so that the folder may be moved, and this machine signs the configuration, so that it
    knows later that it has written it.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Writes nothing yet: the run may still fail on what it was given."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._record(trainer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(trainer)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(trainer)

    @rank_zero_only
    def _record(self, trainer: Trainer) -> None:
        assert trainer.state.fn is not None
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        # What is a choice of this call and not of the run is left out: the next call makes its own.
        config: Any = self.config.clone()
        config.ckpt_path, config.overwrite, config.trust = None, False, False
        written = yaml.safe_load(self.parser.dump(config, skip_unset=False))
        folder, subcommand = RunFolder.of(trainer), trainer.state.fn.value
        with whole_file(folder.config_of(subcommand)) as draft:
            draft.write_text(_signed(yaml.safe_dump(with_portable_paths(written), sort_keys=False)))
        here = machine(trainer.strategy.root_device) | {
            "seed": self.config.seed_everything,
            "data_key": _of_data(trainer, "cache_key"),
            "processes": trainer.world_size,
            "loader_workers": _of_data(trainer, "num_workers"),
        }
        with whole_file(folder.machine_of(subcommand)) as draft:
            draft.write_text(json.dumps(here, indent=2) + "\n")
        facts = {name: here[name] for name in ("commit", "versions", "data_key")}
        for logger in trainer.loggers:
            if hasattr(logger, "begin"):
                # The step by which Lightning logs, which is not global_step where there are several optimisers.
                logger.begin(subcommand, trainer.fit_loop.epoch_loop._batches_that_stepped)
            logger.log_hyperparams({**self.config.as_dict(), **facts})


def _signed(text: str) -> str:
    """The text with this machine's signature, or without one where it has no place to keep a key."""
    try:
        return signed(text)
    except RunError as error:
        rank_zero_warn(f"{error} So this run is taken for one of another machine, whose class paths are restricted.")
        return text


def _of_data(trainer: Trainer, name: str) -> Any:
    """What the data tell of themselves; None where they do not."""
    return getattr(trainer.datamodule, name, None)  # type: ignore[attr-defined]
