"""Whether v carries the class, before and after swaps (Luo et al. 2022, section 6.1)."""

import numpy as np
import torch
from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import STEPS, EncodedClips, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.requirements import require_classes_on_both_sides
from lightning_app.evaluation.scores import macro_f1 as score_of
from metrics.functional import discriminate


class SwapF1(Measurement):
    """Macro F1 of the class of what v tells: ``swap_f1/pre_swap`` and so on.

    A linear discriminant analysis is fitted on the v of the training clips, and reads the v of what is decoded before
    the swap, after the global swap, where the target's class is right, and after the local swap, where the source's is.
    """

    def check_clips(self, data: ClipData, factor: str) -> None:
        require_classes_on_both_sides(data, factor)

    def begin(self, subject: Subject) -> None:
        self._factor, self._seed = subject.factor, subject.seed
        self._rows = {step: ClipRows().to(subject.device) for step in ("train", *STEPS)}

    def learn(self, clips: EncodedClips) -> None:
        self._keep("train", clips.v, clips[self._factor], clips["index"])

    def update(self, clips: SwappedClips) -> None:
        wanted = (clips.source, clips.target, clips.source)
        for step, v, of in zip(STEPS, clips.decoded_v, wanted, strict=True):
            self._keep(step, v, of[self._factor], clips.index)

    def compute(self) -> dict[str, Measured]:
        kept = {step: of_step.compute() for step, of_step in self._rows.items()}
        rows = {step: values.cpu().numpy() for step, (_, values) in kept.items()}
        labels = {step: of_step[:, 0].astype(int) for step, of_step in rows.items()}
        classes, measured = tuple(np.unique(labels["train"]).tolist()), {}
        for step in STEPS:
            try:
                read = discriminate(rows["train"][:, 1:], labels["train"], rows[step][:, 1:])
            except ValueError as error:
                raise RunError(f"v cannot be scored: {error} --evaluation.f1 false leaves it out.") from error
            numbers = kept[step][0].cpu().numpy()
            measured[score_of(step).key] = Measured.of_clips(
                "macro_f1", numbers, labels[step], read, seed=self._seed, classes=classes
            )
        return measured

    def known_keys(self) -> list[str]:
        return [score_of(step).key for step in STEPS]

    def _keep(self, step: str, v: Tensor, labels: Tensor, index: Tensor) -> None:
        self._rows[step].update(index, torch.cat([labels[:, None].double(), v.double()], dim=1))
