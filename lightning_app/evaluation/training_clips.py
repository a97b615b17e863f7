"""Training clips, gone through by what learns from them."""

from collections.abc import Iterator

import numpy as np
from lightning import LightningModule
from rich.progress import track
from torch import Tensor

from datamodules.protocols import ClipData


def training_clips(
    data: ClipData, model: LightningModule, *, process: int = 0, n_processes: int = 1
) -> Iterator[dict[str, Tensor]]:
    """Yields a process's share of the training clips in batches, with a progress bar.

    Args:
        data: The data, set up.
        model: The model, whose device and precision the batches have.
        process: The number of this process.
        n_processes: How many there are.
    """
    own = np.arange(process, len(data.train_dataset), n_processes)
    batches = np.split(own, range(data.batch_size, len(own), data.batch_size))
    for positions in track(batches, "Encoding the training set", disable=process > 0):
        if len(positions):
            batch = data.batch(data.train_dataset, positions, model.device)
            yield batch | {"x": batch["x"].to(model.dtype)}
