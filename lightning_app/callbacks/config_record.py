"""Keeps the full configuration with the run."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn

from lightning_app.files import whole_file


class ConfigRecord(SaveConfigCallback):
    """Writes the resolved configuration to the run's folder, and gives all of it to every logger.

    ``fit`` writes ``config.yaml``, which the other subcommands take with ``-c``; each of those writes
    ``config.<subcommand>.yaml``.
    """

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        filename = "config.yaml" if stage == TrainerFn.FITTING else f"config.{TrainerFn(stage).value}.yaml"
        with whole_file(Path(trainer.default_root_dir) / filename) as draft:
            draft.write_text(self.parser.dump(self.config, skip_none=False))
        for logger in trainer.loggers:
            logger.log_hyperparams(self.config.as_dict())
