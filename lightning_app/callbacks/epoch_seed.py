"""Makes the randomness of an epoch depend on the seed and the epoch alone."""

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer


class EpochSeed(Callback):
    """Seeds torch's generators anew at the start of each training epoch, from the seed, the epoch and the rank.

    A run resumed from the end of an epoch then draws what the run that was not stopped drew, and drawing pictures or
    validating more or less often does not change the training.

    Args:
        seed: Of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        sequence = np.random.SeedSequence((self.seed, trainer.current_epoch, trainer.global_rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
