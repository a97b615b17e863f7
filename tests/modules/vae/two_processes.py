"""Run by tests as a program of its own: training steps of a linear model on one or two gloo processes.

Usage: two_processes.py DEVICES FOLDER

The first step has pairs of all devices together, the second, from the same weights, of each alone. Each process saves
the terms of its loss and the gradients after the backward pass.
"""

import sys
from pathlib import Path

import torch
from lightning import Callback, Trainer
from torch import nn
from torch.utils.data import DataLoader

from modules.gaussian import Gaussian
from modules.vae import BetaVAE

SIZE, D, N_NOTES = 4, 5, 12


class CertainEncoder(nn.Module):
    """Has next to no variance, so that the draws of each process do not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(SIZE * SIZE, D)

    def forward(self, x):
        mean = self.mean(x.flatten(1))
        return Gaussian(mean, torch.full_like(mean, -80.0))


class StepRecord(Callback):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_start(self, trainer, pl_module):
        pl_module.hparams["global_pairs"] = trainer.current_epoch == 0

    def on_after_backward(self, trainer, pl_module):
        self.gradients = {name: parameter.grad.clone() for name, parameter in pl_module.named_parameters()}

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        terms = {name: value for name, value in outputs.items() if name.startswith("regularization/")}
        record = {"terms": terms, "gradients": self.gradients, "n_notes": len(batch["attributes"])}
        torch.save(record, self.folder / f"rank{trainer.global_rank}_step{trainer.current_epoch}.pt")


def main() -> None:
    devices, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(4)
    model = BetaVAE(
        attribute_names=("brightness", "depth"),
        regularized_dims=[3, 0],
        x_shape=(1, SIZE, SIZE),
        latent_dim=D,
        encoder=CertainEncoder(),
        decoder=nn.Sequential(nn.Linear(D, SIZE * SIZE), nn.Unflatten(1, (1, SIZE, SIZE))),
        learning_rate=0.0,
    )
    spectrograms = torch.randn(N_NOTES, 1, SIZE, SIZE, dtype=torch.float64)
    attributes = torch.randn(N_NOTES, 2, dtype=torch.float64)
    notes = [{"x": x, "attributes": a} for x, a in zip(spectrograms, attributes, strict=True)]
    trainer = Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision="64-true",
        max_epochs=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
        callbacks=[StepRecord(folder)],
    )
    trainer.fit(model, DataLoader(notes, batch_size=N_NOTES // devices))


if __name__ == "__main__":
    main()
