"""The swap evaluation of Luo et al. (2022), section 6.1."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.swap_pairs import partners_of_other_class
from metrics import SwapClassification


class SwapEvaluation(Callback):
    """Scores, in ``test``, whether v carries the instrument, and whether swapping v swaps it.

    The three scores of `SwapClassification` are logged as ``test/swap_f1/...``, printed as a table, and written with the
    terms of the loss to ``evaluation.json`` in the run's folder.

    Args:
        factor: The attribute of the data set that v should carry.
        seed: Of the pairing of validation clips with clips of another class.
    """

    def __init__(self, factor: str = "instrument", seed: int = 0) -> None:
        self.factor = factor
        self.seed = seed

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._dataset = trainer.test_dataloaders.dataset
        labels = self._labels(self._dataset)
        self._partners = partners_of_other_class(labels, self.seed)
        self._position = {int(index): position for position, index in enumerate(self._dataset.indices)}
        self._metric = SwapClassification().to(pl_module.device)
        train = trainer.datamodule.train_dataset
        self._labels(train)
        for batch in self._share(train, trainer):
            v = pl_module.global_encoder(batch["log_mel"].to(pl_module.device)).mean
            self._metric.update(v, batch[self.factor], batch["index"], "train")

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        partners = [self._dataset[self._partners[self._position[index]]] for index in batch["index"].tolist()]
        target = torch.stack([clip["log_mel"] for clip in partners]).to(pl_module.device)
        target_label = torch.stack([clip[self.factor] for clip in partners]).to(pl_module.device)
        swap = pl_module.swap(batch["log_mel"], target)
        shown = {
            "pre_swap": (swap.reconstruction, batch[self.factor]),
            "global_swap": (swap.global_swap, target_label),
            "local_swap": (swap.local_swap, batch[self.factor]),
        }
        for step, (decoded, label) in shown.items():
            self._metric.update(pl_module.global_encoder(decoded).mean, label, batch["index"], step)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        scores = {f"test/swap_f1/{step}": score for step, score in self._metric.compute().items()}
        pl_module.log_dict(scores, rank_zero_only=True)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        measured = {name.removeprefix("test/"): float(value) for name, value in trainer.callback_metrics.items()}
        result = {
            "scores": measured,
            "factor": self.factor,
            "pairing_seed": self.seed,
            "n_train_clips": len(trainer.datamodule.train_dataset),
            "n_validation_clips": len(self._dataset),
            "checkpoint": str(trainer.ckpt_path) if trainer.ckpt_path else None,
        }
        path = Path(trainer.default_root_dir) / "evaluation.json"
        with whole_file(path) as draft:
            draft.write_text(json.dumps(result, indent=2) + "\n")
        _print_table(measured, path)

    def _labels(self, dataset: Any) -> np.ndarray:
        if self.factor not in dataset.attributes:
            raise RunError(
                f"evaluation.factor is '{self.factor}', which this data set does not have; it has "
                f"{', '.join(dataset.attributes)}."
            )
        return dataset.attributes[self.factor]

    def _share(self, dataset: Dataset[dict[str, Tensor]], trainer: Trainer) -> Iterator[dict[str, Tensor]]:
        """This process's share of the data set, in batches."""
        own = range(trainer.global_rank, len(dataset), trainer.world_size)  # type: ignore[arg-type]
        loader = DataLoader(Subset(dataset, own), batch_size=trainer.datamodule.batch_size)
        return iter(track(loader, "Encoding the training set", disable=trainer.global_rank > 0))


def _print_table(scores: Mapping[str, float], path: Path) -> None:
    table = Table(title="Swap evaluation", caption=f"Written to {path}")
    table.add_column("score on the validation clips")
    table.add_column("value", justify="right")
    names = {
        "swap_f1/pre_swap": "macro F1 of the instrument, before the swap",
        "swap_f1/global_swap": "macro F1 after the global swap (the target's instrument)",
        "swap_f1/local_swap": "macro F1 after the local swap (the source's instrument)",
        "reconstruction": "reconstruction error",
        "kl_v": "KL of v",
        "kl_z": "KL of z",
    }
    for key, name in names.items():
        if key in scores:
            table.add_row(name, f"{scores[key]:.3f}")
    Console().print(table)
