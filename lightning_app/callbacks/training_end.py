"""Tells whether a run's training has come to its end."""

import json
from pathlib import Path

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.files import whole_file

MARK = "training.json"
"""File in the run's folder; where training goes on, failed, or was stopped, there is none."""


class TrainingEnd(Callback):
    """Writes `MARK`, with the numbers of epochs and steps, when training ends by itself: at its length, or early."""

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        (Path(trainer.default_root_dir) / MARK).unlink(missing_ok=True)

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        with whole_file(Path(trainer.default_root_dir) / MARK) as draft:
            draft.write_text(json.dumps({"epochs": trainer.current_epoch, "steps": trainer.global_step}) + "\n")
