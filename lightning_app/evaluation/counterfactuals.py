"""How far swaps are from what they should have been, for data that can make that."""

from typing import Any, cast

import numpy as np
import torch
from lightning import LightningModule
from torch import Tensor

from datamodules.protocols import ClipData, TrueSwaps
from lightning_app.errors import RunError
from lightning_app.evaluation.chosen_clips import ChosenClips
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.true_pitch import KINDS, TruePitch
from metrics.functional import mean, ratio_of_sums
from modules.audio.crepe import Capacity
from modules.protocols import lacking

_SWAPS = ("global_swap", "local_swap")
_PARTS = ("error", "floor", "ceiling")


class Counterfactuals(Measurement):
    r"""The error of swaps against the true swap, which the data make: the source's melody on the target's instrument.

    The error of a swap is the mean squared difference of what the model hears, such as log-mels. Its floor is the error
    with which the model reconstructs the true swap itself, and its ceiling that of the source's reconstruction, in
    which nothing was swapped. ``counterfactual/global_swap`` and ``counterfactual/local_swap`` say where it lies,

    .. math:: \frac{\sum \text{ceiling} - \sum \text{error}}{\sum \text{ceiling} - \sum \text{floor}}

    over clips: 1 is as good as the model's reconstruction, 0 as bad as no swap, and below that worse. The three errors
    are ``counterfactual_error/...``, ``counterfactual_floor/...`` and ``counterfactual_ceiling/...``.

    After the global swap the truth is the source clip with the target's class, after the local swap the target clip
    with the source's. Where v carries other factors of the whole clip too, such as the octave, they go with it.

    Args:
        n_clips: Number of clips whose true swaps are made.
        rpa: Size of the CREPE that their pitch is compared by, too (`TruePitch`); None leaves it out.

    Raises:
        RunError: Fewer than one clip.
    """

    def __init__(self, n_clips: int, rpa: Capacity | None) -> None:
        if n_clips < 1:
            raise RunError(
                f"evaluation.counterfactuals is {n_clips}; it is a number of clips, 1 or more, or null for none."
            )
        self.n_clips = n_clips
        self.rpa = rpa

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:
        if lacking(data, TrueSwaps) or not cast(TrueSwaps, data).makes_true_swaps:
            raise RunError(
                "evaluation.counterfactuals compares swaps with true ones, and these data cannot make any, as they do "
                "not render their clips; --evaluation.counterfactuals null leaves them out."
            )

    def begin(self, subject: Subject) -> None:
        self._data = subject.data
        self._true_swap = cast(TrueSwaps, subject.data).true_swap
        self._factors = subject.global_factors
        self._seed = subject.seed
        self._chosen = ChosenClips(subject, self.n_clips, "Making true swaps")
        self._pitch = (
            TruePitch(self.rpa, subject.data.representation, _SWAPS, subject.device, subject.seed) if self.rpa else None
        )
        self._rows = {swap: ClipRows().to(subject.device) for swap in _SWAPS}

    def update(self, clips: SwappedClips) -> None:
        chosen = self._chosen.of(clips)
        if not len(chosen.index):
            return
        true_global, true_local = [], []
        for row in range(len(chosen.index)):
            source, target = ({name: of[name][row] for name in ("index", *self._factors)} for of in
                              (chosen.source, chosen.target))  # fmt: skip
            true_global.append(self._truth(source, target))
            true_local.append(self._truth(target, source))
            self._chosen.advance()
        made = zip(_SWAPS, (chosen.swap.global_swap, chosen.swap.local_swap), (true_global, true_local), strict=True)
        for swap, decoded, audio in made:
            truth = self._heard(torch.stack(audio), chosen.source["x"])
            known = chosen.model.swap(truth, truth).reconstruction
            made_of_kind = (decoded, known, chosen.swap.reconstruction)
            errors = [_error(x, truth) for x in made_of_kind]
            self._rows[swap].update(chosen.index, torch.stack(errors, dim=1))
            if self._pitch is not None:
                self._pitch.update(swap, chosen.index, made_of_kind, torch.stack(audio))

    def compute(self) -> dict[str, Measured]:
        scores = {}
        for swap, kept in self._rows.items():
            error, floor, ceiling = kept.compute()[1].cpu().numpy().T
            scores[f"counterfactual/{swap}"] = Measured.of(
                ratio_of_sums, ceiling - error, ceiling - floor, seed=self._seed
            )
            for part, values in zip(_PARTS, (error, floor, ceiling), strict=True):
                scores[f"counterfactual_{part}/{swap}"] = Measured.of(mean, values, seed=self._seed)
        self._n_made = self._chosen.n_seen()
        if self._pitch is not None:
            scores |= self._pitch.compute()
        return scores

    def known_keys(self) -> list[str]:
        kinds = ("counterfactual", *(f"counterfactual_{part}" for part in _PARTS), *(KINDS if self.rpa else ()))
        return [f"{kind}/{swap}" for swap in _SWAPS for kind in kinds]

    def settings(self) -> dict[str, Any]:
        return {"n_counterfactuals": self._n_made}

    def _truth(self, melody: dict[str, Tensor], other: dict[str, Tensor]) -> Tensor:
        """The audio of a clip with the classes of another, (n_samples,)."""
        classes = {name: self._data.class_names[name][int(other[name])] for name in self._factors}
        index = int(melody["index"])
        audio = self._true_swap(index, classes)
        if audio is None:
            raise RunError(
                f"the true swap of clip {index} to {', '.join(classes.values())} cannot be made; "
                "--evaluation.counterfactuals null leaves them out."
            )
        return torch.from_numpy(np.ascontiguousarray(audio))

    def _heard(self, audio: Tensor, like: Tensor) -> Tensor:
        """What the model hears of audio (B, n_samples)."""
        return self._data.representation.to(like.device)(audio.to(like.device)).to(like)


def _error(x: Tensor, truth: Tensor) -> Tensor:
    """The mean squared difference of each clip, (B,), float64."""
    return (x.double() - truth.double()).square().flatten(1).mean(dim=1)
