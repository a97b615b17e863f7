"""Writes what ``predict`` encodes to one file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lightning_app.files import whole_file
from lightning_app.runs.run_folder import RunFolder

# What a model hears is not copied beside its encodings.
_INPUTS = ("log_mel", "log_magnitude", "audio")


class EncodingWriter(Callback):
    """Writes the encodings of all clips, with what is known of each, to one NumPy archive.

    The archive has a row for each clip, by data loader and then in the order of its data set: the model's outputs (for
    `DSAE` ``v_mean``, ``v_log_variance``, ``z_mean``, ``z_log_variance``; for `BetaVAE` the last two), the clip's
    attributes, and ``part``, which names the data loader it came from by number.

    Args:
        filename: Of the archive, in the run's folder.
    """

    def __init__(self, filename: str = "encodings.npz") -> None:
        self.filename = filename

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._batches: list[dict[str, np.ndarray]] = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Mapping[str, Tensor],
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        known = {name: value for name, value in batch.items() if name not in _INPUTS}
        part = torch.full_like(batch["index"], dataloader_idx)
        rows: dict[str, Tensor] = {**known, **outputs, "part": part}
        self._batches.append({name: value.cpu().numpy() for name, value in rows.items()})

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        batches = _gathered(self._batches, trainer)
        self._batches = []
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        arrays = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        # A distributed sampler repeats clips; data loaders may count theirs each from 0.
        _, order = np.unique(np.stack([arrays["part"], arrays["index"]], axis=1), axis=0, return_index=True)
        path = RunFolder.of(trainer).encodings(self.filename)
        with whole_file(path) as draft, draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: values[order] for name, values in arrays.items()})
        shapes = ", ".join(f"{name} {values[order].shape}" for name, values in arrays.items())
        rank_zero_info(f"Wrote {path}: {shapes}.")


def _gathered(batches: list[Any], trainer: Trainer) -> list[Any]:
    """The batches of all processes, on the first."""
    if trainer.world_size == 1:
        return batches
    everyones: list[list[Any]] | None = [[]] * trainer.world_size if trainer.is_global_zero else None
    torch.distributed.gather_object(batches, everyones)
    return [batch for ranks_batches in everyones or [] for batch in ranks_batches]
