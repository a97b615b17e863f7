"""Keeps the full configuration with the run."""

from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.files import whole_file


class ConfigRecord(SaveConfigCallback):
    """Writes the resolved configuration to the run's folder, and gives all of it to every logger.

    ``fit`` writes ``config.yaml``, which the other subcommands take with ``-c``; each of those writes
    ``config.<subcommand>.yaml``. It is written when the work starts, so a run that fails before, say on a checkpoint of
    another model, leaves the record of the run before it as it was.
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
        name = "config.yaml" if trainer.state.fn == TrainerFn.FITTING else f"config.{trainer.state.fn.value}.yaml"
        # Which checkpoint this call took is not a choice of the run: the next call takes another.
        config: Any = self.config.clone()
        config.ckpt_path = None
        with whole_file(Path(trainer.default_root_dir) / name) as draft:
            draft.write_text(self.parser.dump(config, skip_none=False))
        for logger in trainer.loggers:
            logger.log_hyperparams(self.config.as_dict())
