"""What the parts of an evaluation of swaps are given, and what they give."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from lightning import LightningModule
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor

from datamodules.protocols import ClipData, Clips
from lightning_app.evaluation.clip_statistics import StatisticName, clip_statistic
from lightning_app.runs.clip_scores import ClipScore
from metrics.functional import Interval, bootstrap_interval
from metrics.functional.bootstrap import Statistic
from modules.protocols import LocalLatents, Swap, Swappable

STEPS = ("pre_swap", "global_swap", "local_swap")
"""What scores call what is decoded: with nothing replaced, with the target's v, and with the target's z."""


class Measured(NamedTuple):
    """A score."""

    value: float
    interval: Interval | None = None
    """Its bootstrap interval over clips, where it has one."""
    clip_score: ClipScore | None = None
    """What it was made of, where that is kept, so that two runs can be compared clip by clip."""

    @classmethod
    def of(cls, statistic: Statistic, *rows: NDArray[Any], seed: int) -> "Measured":
        """Returns a statistic of all clips, and its interval; see `metrics.functional.bootstrap_interval`."""
        interval = bootstrap_interval(statistic, *rows, seed=seed) if len(rows[0]) > 1 else None
        return cls(float(statistic(*rows, axis=-1)), interval)

    @classmethod
    def of_clips(
        cls,
        statistic: StatisticName,
        clips: NDArray[np.int64],
        *rows: NDArray[Any],
        seed: int,
        classes: tuple[int, ...] = (),
    ) -> "Measured":
        """Returns a statistic of clips like `of`, and keeps what it was made of.

        Args:
            statistic: Its name; see `clip_statistic`.
            clips: The numbers of the clips, in rising order, (n,).
            rows: What is known of each, (n,), one or more.
            seed: Seed of the interval's draws.
            classes: The classes of ``macro_f1``.
        """
        measured = cls.of(clip_statistic(statistic, classes), *rows, seed=seed)
        kept = ClipScore(statistic, clips, np.stack(rows).astype(np.float64), classes)
        return measured._replace(clip_score=kept)


@dataclass(frozen=True)
class Subject:
    """What is evaluated.

    Attributes:
        model: The model, whose latents can be swapped.
        data: Its data, set up.
        factor: The class that clips are swapped by.
        global_factors: The classes that v should carry, that one among them; z should carry the others.
        device: Where metrics keep what they count.
        seed: Seed of all draws.
        beside: Adds a progress bar for slow work within batches; returns what moves it on by one.
        shows_progress: Whether this process is the one that shows progress.
    """

    model: LightningModule
    data: ClipData
    factor: str
    global_factors: tuple[str, ...]
    device: torch.device
    seed: int
    beside: Callable[[str, int], Callable[[], None]]
    shows_progress: bool

    @property
    def dataset(self) -> Clips:
        """The clips that are evaluated."""
        return self.data.test_dataset


class EncodedClips:
    """A batch of clips of the data, and their latents, computed once and only if asked for.

    Args:
        model: The model.
        batch: The batch, as the data give it.
    """

    def __init__(self, model: Swappable, batch: Mapping[str, Tensor]) -> None:
        self.model = model
        self.batch = batch

    def __getitem__(self, name: str) -> Tensor:
        """An entry of the batch, like ``x`` or a class."""
        return self.batch[name]

    @cached_property
    def v(self) -> Tensor:
        """The global latents, (B, V)."""
        return self.model.global_latent(self["x"])

    @cached_property
    def z(self) -> Tensor:
        """The local latents, (B, T, Z), of a model that has some."""
        return cast(LocalLatents, self.model).local_latent(self["x"])

    def rows(self, mask: Tensor) -> "EncodedClips":
        """Returns some of the clips, by a bool for each."""
        return EncodedClips(self.model, {name: values[mask] for name, values in self.batch.items()})


class SwappedClips:
    """A batch of clips, each swapped with a partner, and what follows from both, computed once and only if asked for.

    Args:
        model: The model.
        source: The batch.
        target: The partners, a batch of the same size.
        new: Which of them are here for the first time, bool of shape (B,): a sampler may repeat some to fill a batch.
    """

    def __init__(self, model: Swappable, source: EncodedClips, target: EncodedClips, new: NDArray[np.bool_]) -> None:
        self.model = model
        self.source = source
        self.target = target
        self.new = new

    @property
    def index(self) -> Tensor:
        """The numbers of the clips, (B,)."""
        return self.source["index"]

    @cached_property
    def swap(self) -> Swap:
        """What the model makes of the pairs."""
        return self.model.swap(self.source["x"], self.target["x"].to(self.source["x"]))

    @cached_property
    def decoded_v(self) -> Swap:
        """The global latents, each (B, V), of what the model made, encoded anew."""
        return Swap(*(self.model.global_latent(decoded) for decoded in self.swap))

    def rows(self, chosen: NDArray[np.bool_]) -> "SwappedClips":
        """Returns some of the pairs, chosen by a bool for each, without decoding them again."""
        mask = torch.from_numpy(chosen).to(self.index.device)
        part = SwappedClips(self.model, self.source.rows(mask), self.target.rows(mask), self.new[chosen])
        part.__dict__["swap"] = Swap(*(decoded[mask] for decoded in self.swap))
        return part


class Measurement(ABC):
    """A part of an evaluation of swaps.

    Every process calls all methods, with its own share of the clips; the scores are the same on each, whatever the
    number of processes.
    """

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:  # noqa: B027 (most need nothing)
        """Says what cannot be measured, before data are prepared, and how to leave it out.

        Raises:
            RunError: A model or data without what this needs.
        """

    def check_clips(self, data: ClipData, factor: str) -> None:  # noqa: B027
        """Says what cannot be measured once the data are set up, before training as well as before a test.

        Raises:
            RunError: Clips that are too few, or of too few classes.
        """

    def begin(self, subject: Subject) -> None:  # noqa: B027
        """Prepares a ``test``: loads networks, before inference mode begins."""

    def learn(self, clips: EncodedClips) -> None:  # noqa: B027
        """Takes a batch of training clips, if `learns`."""

    def learnt(self) -> None:  # noqa: B027
        """Is called when all training clips have been taken, on every process."""

    @property
    def learns(self) -> bool:
        """Whether training clips are needed."""
        return type(self).learn is not Measurement.learn

    @abstractmethod
    def update(self, clips: SwappedClips) -> None:
        """Takes a batch of the clips that are evaluated."""

    @abstractmethod
    def compute(self) -> dict[str, Measured]:
        """Returns the scores by their keys."""

    @abstractmethod
    def known_keys(self) -> list[str]:
        """The keys of the scores, as far as they do not depend on the data."""

    def outliers(self) -> dict[str, list[dict[str, Any]]]:
        """The clips that are farthest from the data; see `lightning_app.runs.evaluation_record.EvaluationRecord`."""
        return {}

    def settings(self) -> dict[str, Any]:
        """What the scores depend on besides the model and the data."""
        return {}

    def tables(self) -> list[Table]:
        """Tables to print after that of the scores, once they are computed."""
        return []
