"""Makes the randomness of a step depend on the seed and the step alone."""

from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer

# NumPy takes a seed that ends with zeros for the shorter one.
_EVALUATION = 1


class StepSeed(Callback):
    """Seeds torch's generators anew before each step: in training from the seed, the epoch and the batch.

    A resumed run then draws what the run that was not stopped drew, and drawing pictures or validating more or less
    often does not change the training. (Seeding each epoch is not enough: a data loader draws too, and a resumed run
    makes its first one earlier.) A batch of validation or test is seeded by its number alone, so that scores of two
    epochs differ by the weights, and not by luck.

    All processes get the same seed, from which models draw what is to be the same everywhere, like the key of
    `modules.noise.batch_noise`.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self._seed(trainer.current_epoch, batch_idx)

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._seed(batch_idx, dataloader_idx, _EVALUATION)

    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._seed(batch_idx, dataloader_idx, _EVALUATION)

    def _seed(self, *step: int) -> None:
        sequence = np.random.SeedSequence((self.seed, *step))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
