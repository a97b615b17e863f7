"""Writes what ``predict`` encodes to one file."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lightning_app.files import whole_file
from lightning_app.own_sounds.trained_model import predicting
from lightning_app.runs.run_folder import RunFolder

# What a model hears is not copied beside its encodings.
_INPUTS = ("x", "audio")
_OWN = ("part", "clip")


class EncodingWriter(Callback):
    """Writes the encodings of all clips, with what is known of each, to one NumPy archive.

    The archive has a row for each clip, by data loader and then in the order of its data set: the model's outputs (for
    `DSAE` ``v_mean``, ``v_log_variance``, ``z_mean``, ``z_log_variance``; for `BetaVAE` the last two), the clip's
    classes and attributes, and ``part``, which names the data loader it came from by number. Where the data name their
    clips, by a method ``clip_names`` of their numbers, ``clip`` has the names. A class or attribute that is called like
    one of these is stored as ``data_<name>``. ``<name>_names`` are the names of a class's values.

    Args:
        filename: Name of the archive in the run's folder.
    """

    def __init__(self, filename: str = "encodings.npz") -> None:
        self.filename = filename

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be predicted, before any work; see `lightning_app.callbacks.checks`."""
        if stage == "predict":
            predicting(model)

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
        taken = {*outputs, *_OWN}
        known = {f"data_{name}" if name in taken else name: value for name, value in batch.items()}
        part = torch.full_like(batch["index"], dataloader_idx)
        rows: dict[str, Tensor] = {**known, **outputs, "part": part}
        self._batches.append({name: _array(value) for name, value in rows.items() if name not in _INPUTS})

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        batches = _gathered(self._batches, trainer)
        self._batches = []
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        arrays = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        # A distributed sampler repeats clips; data loaders may count theirs each from 0.
        _, order = np.unique(np.stack([arrays["part"], arrays["index"]], axis=1), axis=0, return_index=True)
        rows = {name: values[order] for name, values in arrays.items()}
        rows |= _clip_names(trainer, rows["index"])
        path = RunFolder.of(trainer).encodings(self.filename)
        with whole_file(path) as draft:
            _save(draft, rows | _class_names(trainer, rows))
        shapes = ", ".join(f"{name} {values.shape}" for name, values in rows.items())
        rank_zero_info(f"Wrote {path}: {shapes}.")


def _array(values: Tensor) -> np.ndarray:
    """The values in NumPy, which has no bfloat16: in float32 at least."""
    precise = values.float() if values.is_floating_point() and values.element_size() < 4 else values
    return precise.cpu().numpy()


def _clip_names(trainer: Trainer, indices: np.ndarray) -> dict[str, np.ndarray]:
    """The name of each clip, where the data tell them."""
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    return {"clip": np.array(data.clip_names(indices), np.str_)} if hasattr(data, "clip_names") else {}


def _class_names(trainer: Trainer, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The names of the values of each attribute that is a class."""
    known = getattr(trainer.datamodule, "class_names", {})  # type: ignore[attr-defined]
    named = {f"{name}_names": np.array(names, np.str_) for name, names in known.items() if name in rows}
    return {name: names for name, names in named.items() if name not in rows}


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes what `numpy.savez` would, with arrays of any name; that one takes some for its own arguments."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values, allow_pickle=False)


def _gathered(batches: list[Any], trainer: Trainer) -> list[Any]:
    """The batches of all processes, on the first."""
    if trainer.world_size == 1:
        return batches
    everyones: list[list[Any]] | None = [[]] * trainer.world_size if trainer.is_global_zero else None
    torch.distributed.gather_object(batches, everyones)
    return [batch for ranks_batches in everyones or [] for batch in ranks_batches]
