"""Makes the randomness of a training step depend on the seed and the step alone."""

from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer


class StepSeed(Callback):
    """Seeds torch's generators anew before each training step, from the seed, the epoch, the batch and the rank.

    A resumed run then draws what the run that was not stopped drew, and drawing pictures or validating more or less
    often does not change the training. (Seeding each epoch is not enough: a data loader draws too, and a resumed run
    makes its first one earlier.)

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        sequence = np.random.SeedSequence((self.seed, trainer.current_epoch, batch_idx, trainer.global_rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
