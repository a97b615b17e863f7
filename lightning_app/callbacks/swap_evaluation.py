"""The swap evaluation of Luo et al. (2022), section 6.1."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from datamodules.clips import ClipDataModule
from lightning_app.files import whole_file
from lightning_app.parts import clip_data, swappable
from lightning_app.swap_pairs import partners_of_other_class
from metrics import SwapClassification


class SwapEvaluation(Callback):
    """Scores, in ``test``, whether v carries the instrument, and whether swapping v swaps it.

    The three scores of `SwapClassification` are logged as ``test/swap_f1/...``, printed as a table, and written with
    the terms of the loss to ``evaluation.json`` in the run's folder.

    Args:
        factor: The attribute of the data set that v should carry.
        seed: Of the pairing of validation clips with clips of another class.
    """

    def __init__(self, factor: str = "instrument", seed: int = 0) -> None:
        self.factor = factor
        self.seed = seed

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model, data = swappable(pl_module), clip_data(trainer, self.factor)
        self._dataset = data.validation_dataset
        self._partners = partners_of_other_class(self._dataset.attributes[self.factor], self.seed)
        self._position = {int(index): position for position, index in enumerate(self._dataset.indices)}
        self._metric = SwapClassification().to(pl_module.device)
        for batch in _own_share(data, trainer):
            v = model.global_encoder(batch["log_mel"].to(model.device)).mean
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
        model = swappable(pl_module)
        partners = [self._dataset[self._partners[self._position[index]]] for index in batch["index"].tolist()]
        target = torch.stack([clip["log_mel"] for clip in partners]).to(model.device)
        target_label = torch.stack([clip[self.factor] for clip in partners]).to(model.device)
        swap = model.swap(batch["log_mel"], target)
        shown = {
            "pre_swap": (swap.reconstruction, batch[self.factor]),
            "global_swap": (swap.global_swap, target_label),
            "local_swap": (swap.local_swap, batch[self.factor]),
        }
        for step, (decoded, label) in shown.items():
            self._metric.update(model.global_encoder(decoded).mean, label, batch["index"], step)

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
            "n_train_clips": len(clip_data(trainer, self.factor).train_dataset),
            "n_validation_clips": len(self._dataset),
            "checkpoint": str(trainer.ckpt_path) if trainer.ckpt_path else None,
        }
        path = Path(trainer.default_root_dir) / "evaluation.json"
        with whole_file(path) as draft:
            draft.write_text(json.dumps(result, indent=2) + "\n")
        _print_table(measured, self.factor, path)


def _own_share(data: ClipDataModule, trainer: Trainer) -> Iterable[dict[str, Tensor]]:
    """This process's share of the training clips, in batches."""
    own = range(trainer.global_rank, len(data.train_dataset), trainer.world_size)
    loader = DataLoader(Subset(data.train_dataset, own), batch_size=data.batch_size)
    return track(loader, "Encoding the training set", disable=not trainer.is_global_zero)


def _print_table(scores: Mapping[str, float], factor: str, path: Path) -> None:
    table = Table(title="Swap evaluation", caption=f"Written to {path}")
    table.add_column("score on the validation clips")
    table.add_column("value", justify="right")
    names = {
        "swap_f1/pre_swap": f"macro F1 of the {factor}, before the swap",
        "swap_f1/global_swap": f"macro F1 after the global swap (the target's {factor})",
        "swap_f1/local_swap": f"macro F1 after the local swap (the source's {factor})",
        "reconstruction": "reconstruction error",
        "kl_v": "KL of v",
        "kl_z": "KL of z",
    }
    for key, name in names.items():
        if key in scores:
            table.add_row(name, f"{scores[key]:.3f}")
    Console().print(table)
