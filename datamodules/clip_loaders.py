"""What the data modules have in common: the loaders of their datasets."""

from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from datamodules.errors import DataError


class ClipLoaders(LightningDataModule):
    """Loads clips of a ``train_dataset`` and a ``validation_dataset``, which a data set's own class sets in ``setup``.

    Args:
        batch_size: Clips a batch (on each device).
        num_workers: Processes that load batches.
        seed: Of the order of training clips.

    Raises:
        DataError: A number out of range.
    """

    train_dataset: Dataset[dict[str, Tensor]]
    validation_dataset: Dataset[dict[str, Tensor]]

    def __init__(self, batch_size: int, num_workers: int, seed: int) -> None:
        super().__init__()
        for name, value, least in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0), ("seed", seed, 0)):
            if value < least:
                raise DataError(f"data.{name} is {value}; it must be {least} or more.")
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the training clips, in an order set by the seed and the epoch alone: a resumed run repeats it."""
        return self._loader(self.train_dataset, self._train_sampler())

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the validation clips in order."""
        return self._loader(self.validation_dataset)

    def test_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the validation clips: the paper has no third part and evaluates on these."""
        return self.val_dataloader()

    def predict_dataloader(self) -> list[DataLoader[dict[str, Tensor]]]:
        """Returns the training clips and the validation clips, each in order."""
        return [self._loader(self.train_dataset), self._loader(self.validation_dataset)]

    def _train_sampler(self) -> DistributedSampler[dict[str, Tensor]]:
        return DistributedSampler(
            self.train_dataset,
            num_replicas=self.trainer.world_size if self.trainer else 1,
            rank=self.trainer.global_rank if self.trainer else 0,
            shuffle=True,
            seed=self.seed,
        )

    def _loader(
        self,
        dataset: Dataset[dict[str, Tensor]],
        sampler: DistributedSampler[dict[str, Tensor]] | None = None,
        *,
        drop_last: bool = False,
    ) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=drop_last,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )
