"""Whether swaps have the pitch of the true ones."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import Measured
from lightning_app.evaluation.swap_audio import HOP_MS, THRESHOLD_CENTS
from metrics.functional.raw_pitch_accuracy import frame_counts
from modules.audio.crepe import Capacity, crepe
from modules.audio.pitch import PitchContours, pitch_contours
from modules.audio.representation import Representation
from modules.seeding import seeded

KINDS = ("counterfactual_rpa", "counterfactual_rpa_floor", "counterfactual_rpa_ceiling")
"""Of the swap itself, of the true swap reconstructed, and of the source reconstructed."""


class TruePitch:
    """Raw pitch accuracy of swaps against the rendered truth, where that is voiced.

    Unlike the accuracy against the data, it is right as well where v carries the octave, which the truth then has.

    Args:
        model: Size of CREPE.
        representation: The way from what the model hears to audio.
        swaps: Names of the swaps.
        device: Device on which CREPE runs.
        seed: Seed of phases and intervals.
    """

    def __init__(
        self, model: Capacity, representation: Representation, swaps: Sequence[str], device: torch.device, seed: int
    ) -> None:
        self._model: Capacity = model
        self._representation, self._device, self._seed = representation, device, seed
        self._counts = {(kind, swap): ClipRows().to(device) for swap in swaps for kind in KINDS}
        crepe(model, device)  # what loads it first determines whether it is of inference mode

    def update(self, swap: str, index: Tensor, decoded: Sequence[Tensor], audio: Tensor) -> None:
        """Adds swaps.

        Args:
            swap: Which of the two swaps.
            index: Numbers of the source clips, (n,).
            decoded: What the model makes of each of `KINDS`, (n, ...).
            audio: The truth, (n, n_samples).
        """
        rate = self._representation.sample_rate
        for row, number in enumerate(index.tolist()):
            truth = self._contours(audio[row][None], rate)
            x = torch.stack([of_kind[row].float().cpu() for of_kind in decoded])
            with seeded(self._seed + number, self._device):
                sounds = self._representation.inverse(x, audio.shape[1])
            heard = self._contours(sounds, rate)
            for kind, contour in zip(KINDS, heard.hz, strict=True):
                counts = frame_counts(contour[None], truth.hz, truth.voiced(), THRESHOLD_CENTS)
                self._counts[kind, swap].update(index[row : row + 1].to(self._device), counts)

    def compute(self) -> dict[str, Measured]:
        """Returns the accuracies, ``counterfactual_rpa/<swap>`` and so on; of silent clips alone there is none."""
        scores = {}
        for (kind, swap), kept in self._counts.items():
            numbers, counts = (of_clips.cpu().numpy() for of_clips in kept.compute())
            voiced = counts[:, 1] > 0
            if voiced.any():
                scores[f"{kind}/{swap}"] = Measured.of_clips(
                    "ratio_of_sums", numbers[voiced], *counts[voiced].T, seed=self._seed
                )
        return scores

    def _contours(self, audio: Tensor, rate: int) -> PitchContours:
        return pitch_contours(audio.to(self._device), rate, model=self._model, hop_ms=HOP_MS)
