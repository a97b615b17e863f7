"""Run by tests as a program of its own: validates a small model with `LatentInformation` on one or two processes.

Usage: two_lightning_processes.py DEVICES FOLDER
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch
from lightning import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from metrics import LatentInformation


class Encoder(LightningModule):
    """Its latents are those of the data set times positive weights, which no metric of information notices."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.5, 1.0, 2.0, 4.0]))  # powers of 2, exact in any precision
        self.information = LatentInformation(attribute_names=["brightness", "depth", "level"], prefix="val/")
        self.n_seen = 0

    def validation_step(self, batch, _):
        features, attributes, indices = batch
        self.information.update(features * self.scale, attributes, indices)
        self.n_seen += len(indices)

    def on_validation_epoch_end(self):
        self.log_dict(self.information.compute())
        self.information.reset()


def validated(devices: int, folder: Path, features: torch.Tensor, attributes: torch.Tensor) -> dict[str, object]:
    """Validates twice; gives all that the trainer knows then, and how many samples this process saw each time."""
    model = Encoder()
    trainer = Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    loader = DataLoader(TensorDataset(features, attributes, torch.arange(len(features))), batch_size=32)
    for _ in range(2):
        trainer.validate(model, loader, verbose=False)
    values = {key: value.item() for key, value in trainer.callback_metrics.items()}
    outcome = {"values": values, "n_seen": model.n_seen // 2}
    (folder / f"rank{trainer.global_rank}.json").write_text(json.dumps(outcome))
    return outcome


def main() -> None:
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("testers", Path(__file__).with_name("conftest.py"))
    testers = importlib.util.module_from_spec(spec)
    sys.modules["testers"] = testers
    spec.loader.exec_module(testers)
    validated(int(sys.argv[1]), Path(sys.argv[2]), *testers.samples())


if __name__ == "__main__":
    main()
