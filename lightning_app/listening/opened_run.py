"""A run that is looked at and listened to: what it is called, what it was asked to do, and what it can do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning import LightningDataModule, LightningModule
from numpy.typing import NDArray
from torch import Tensor

from datamodules.protocols import OF_SETUP, ClipData, TrueSwaps
from lightning_app.errors import RunError
from lightning_app.evaluation.requirements import swap_factor
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.load_run import load_run
from lightning_app.runs.run_folder import RunFolder
from modules.protocols import Regularised, Swappable, lacking

CPU = torch.device("cpu")


@dataclass(frozen=True)
class OpenedRun:
    """A run whose model is loaded and whose data are set up.

    Attributes:
        name: What the page calls it, which is no other run's name.
        folder: Its folder.
        config: Its configuration.
        model: Its model, on the CPU, in evaluation mode.
        data: Its data.
    """

    name: str
    folder: RunFolder
    config: dict[str, Any]
    model: LightningModule
    data: LightningDataModule

    def record(self) -> EvaluationRecord | None:
        """The record of its evaluation; None where it was not evaluated."""
        return EvaluationRecord.read(self.folder) if self.folder.evaluation.exists() else None

    @property
    def clips(self) -> ClipData | None:
        """Its data, where they are clips that can be shown and heard."""
        return None if any(name not in OF_SETUP for name in lacking(self.data, ClipData)) else cast(ClipData, self.data)

    @property
    def swappable(self) -> Swappable | None:
        """Its model, where latents can be swapped."""
        return None if lacking(self.model, Swappable) else cast(Swappable, self.model)

    @property
    def regularised(self) -> Regularised | None:
        """Its model, where dimensions follow attributes."""
        known = not lacking(self.model, Regularised) and bool(cast(Regularised, self.model).regularized_dims)
        return cast(Regularised, self.model) if known else None

    @property
    def true_swaps(self) -> TrueSwaps | None:
        """Its data, where they may know what a perfect swap sounds like."""
        return None if lacking(self.data, TrueSwaps) else cast(TrueSwaps, self.data)

    def factor(self, wanted: str | None) -> str | None:
        """The class that clips are swapped by; None where these data have none of that name, or one value alone."""
        try:
            return swap_factor(self.clips, wanted) if self.clips is not None else None
        except RunError:
            return None

    def heard(self, positions: Sequence[int] | NDArray[np.integer]) -> Tensor:
        """What the model hears of some validation clips, (n, ...)."""
        clips = cast(ClipData, self.clips)
        return clips.batch(clips.validation_dataset, positions, CPU)["x"]

    def clip_name(self, position: int) -> str:
        """Names a validation clip by its number in the data."""
        return f"clip {int(cast(ClipData, self.clips).validation_dataset.indices[position])}"

    def batches(self, positions: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
        """Divides clips into as many as a batch holds."""
        size = cast(ClipData, self.clips).batch_size
        return (positions[first : first + size] for first in range(0, len(positions), size))


def check_runs(paths: Sequence[Path]) -> None:
    """Says of all runs what keeps them from being reported, before anything of the first is made.

    Raises:
        RunError: A folder holds no run, a run has no checkpoint or a broken record, or one is named twice.
    """
    for path in paths:
        folder = RunFolder(path)
        folder.read_config()
        if not folder.best_checkpoint.exists():
            raise RunError(
                f"{path} has no {folder.best_checkpoint.relative_to(path)}, so that there is nothing to listen to; "
                f"go on with its training by `disentangle fit --run {path} --ckpt_path last`, or leave it out."
            )
        if folder.evaluation.exists():
            EvaluationRecord.read(folder)
    twice = [str(path) for path, times in Counter(path.resolve() for path in paths).items() if times > 1]
    if twice:
        raise RunError(f"{twice[0]} is named twice; name each run once.")


def open_runs(paths: Sequence[Path], *, trust: bool = False) -> Iterator[OpenedRun]:
    """Loads the models of runs, and makes their data ready, one run after the other.

    Args:
        paths: The folders of the runs.
        trust: See `lightning_app.runs.load_run`.
    """
    names = Counter(path.resolve().name for path in paths)
    for path in paths:
        name = path.resolve().name
        loaded = load_run(path, trust=trust)
        folder = RunFolder(path)
        yield OpenedRun(
            name if names[name] == 1 else path.as_posix(), folder, folder.read_config(), loaded.model, loaded.ready_data
        )
