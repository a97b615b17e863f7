"""Training clips, gone through in a ``test`` by what learns from them."""

from collections.abc import Iterator

import numpy as np
from lightning import LightningModule, Trainer
from rich.progress import track
from torch import Tensor

from datamodules.protocols import ClipData


def training_clips(data: ClipData, trainer: Trainer, model: LightningModule) -> Iterator[dict[str, Tensor]]:
    """Yields this process's share of the training clips in batches, with a progress bar.

    Args:
        data: The data, set up.
        trainer: The trainer.
        model: The model, whose device and precision the batches have.
    """
    own = np.arange(trainer.global_rank, len(data.train_dataset), trainer.world_size)
    batches = np.split(own, range(data.batch_size, len(own), data.batch_size))
    for positions in track(batches, "Encoding the training set", disable=not trainer.is_global_zero):
        if len(positions):
            batch = data.batch(data.train_dataset, positions, model.device)
            yield batch | {"x": batch["x"].to(model.dtype)}
