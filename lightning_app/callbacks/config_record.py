"""Keeps the full configuration with the run, and what machine it ran on."""

import json
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.files import whole_file
from lightning_app.machine import machine


class ConfigRecord(SaveConfigCallback):
    """Writes the resolved configuration to the run's folder, and gives all of it to every logger.

    ``fit`` writes ``config.yaml``, which the other subcommands take with ``-c``; each of those writes
    ``config.<subcommand>.yaml``. Beside it, ``machine.json`` or ``machine.<subcommand>.json`` has what
    `lightning_app.machine.machine` returns. Both are written when the work starts, so a run that fails before, say on a
    checkpoint of another model, leaves the records of the run before it as they were.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Too early to write anything."""

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
        subcommand = "" if trainer.state.fn == TrainerFn.FITTING else f".{trainer.state.fn.value}"
        folder = Path(trainer.default_root_dir)
        # Which checkpoint this call took is not a choice of the run: the next call takes another.
        config: Any = self.config.clone()
        config.ckpt_path = None
        with whole_file(folder / f"config{subcommand}.yaml") as draft:
            draft.write_text(self.parser.dump(config, skip_unset=False))
        with whole_file(folder / f"machine{subcommand}.json") as draft:
            draft.write_text(json.dumps(machine(trainer.strategy.root_device), indent=2) + "\n")
        for logger in trainer.loggers:
            logger.log_hyperparams(self.config.as_dict())
