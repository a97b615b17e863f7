"""What swaps sound like: raw pitch accuracy (Luo et al. 2022), and distances of decoded clips from the data."""

from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.audio_distances import AudioDistances
from lightning_app.evaluation.chosen_clips import ChosenClips
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import STEPS, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.scores import pitch_accuracy
from metrics.functional.raw_pitch_accuracy import frame_counts
from modules.audio.crepe import Capacity, crepe
from modules.audio.pitch import pitch_contours
from modules.seeding import seeded

THRESHOLD_CENTS = 50.0
HOP_MS = 20.0  # CREPE takes most of the time, and frames of 64 ms that are 10 ms apart tell hardly more


class SwapAudio(Measurement):
    """Turns swaps into audio, and measures its pitch (``rpa/...``) and its quality (`AudioDistances`).

    The data's own spectrograms are turned into audio in the same way and measured too: what is lost there is no fault
    of the model.

    Args:
        rpa: Size of the CREPE that raw pitch accuracy is measured by; None leaves it out.
        distances: How far it is from the data.
        n_clips: Number of clips to listen to; None takes all.
    """

    def __init__(self, rpa: Capacity | None, distances: AudioDistances, n_clips: int | None) -> None:
        self.rpa = rpa
        self.distances = distances
        self.n_clips = n_clips if rpa or distances.embeddings else 0

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:
        self.distances.check(data)

    def check_clips(self, data: ClipData, factor: str) -> None:
        n_clips = len(data.test_dataset)
        self.distances.check_clips(n_clips if self.n_clips is None else min(self.n_clips, n_clips))

    def begin(self, subject: Subject) -> None:
        self._subject = subject
        self._chosen = ChosenClips(subject, self.n_clips, "Listening")
        rate, device = subject.data.representation.sample_rate, subject.device
        # Loaded before inference mode begins: this process shares the networks with others, which may need gradients.
        self._pitch = SwapPitch(self.rpa, rate, device, subject.seed) if self.rpa else None
        self.distances.begin(subject, self._chosen)

    def update(self, clips: SwappedClips) -> None:
        """Adds the chosen ones of a batch.

        Raises:
            DataError: The audio of a clip cannot be had.
        """
        heard = self._chosen.of(clips)
        for row, (source, target) in enumerate(zip(heard.index.tolist(), heard.target["index"].tolist(), strict=True)):
            of_row = slice(row, row + 1)
            x = torch.cat([*(decoded[of_row].float() for decoded in heard.swap), heard.source["x"][of_row].float()])
            self._listen(x, source, target)
            self._chosen.advance()

    def _listen(self, x: Tensor, source: int, target: int) -> None:
        """Adds a swap and its source, (4, ...)."""
        device, representation = self._subject.device, self._subject.data.representation
        # By the clip, so that neither batches nor processes matter.
        with seeded(self._subject.seed + source, device):
            original = self._heard(source)
            audio = representation.inverse(x.cpu(), original.shape[1]).to(device)
        if self._pitch is not None:
            self._pitch.update(audio, source, target, self._heard)
        index = torch.tensor([source])
        self.distances.update(index, audio[:1], audio[-1:], original, representation.sample_rate)

    def compute(self) -> dict[str, Measured]:
        """Returns ``rpa/pre_swap`` and so on, the distances, and the same of the resynthesised data.

        Raises:
            RunError: See `SwapPitch` and `AudioDistances`.
        """
        self._n_heard = self._chosen.n_seen()
        scores = self._pitch.compute() if self._pitch is not None else {}
        return scores | self.distances.compute()

    def outliers(self) -> dict[str, list[dict[str, Any]]]:
        return self.distances.outliers()

    def settings(self) -> dict[str, Any]:
        return {"rpa_model": self.rpa, "n_audio_clips": self._n_heard, **self.distances.settings()}

    def known_keys(self) -> list[str]:
        steps = (*STEPS, "resynthesis") if self.rpa else ()
        return [*(pitch_accuracy(step).key for step in steps), *self.distances.known_keys()]

    def _heard(self, clip: int) -> Tensor:
        """The audio of a clip of the data, (1, n_samples)."""
        return torch.from_numpy(self._subject.data.audio(clip)[None]).to(self._subject.device)


class SwapPitch:
    """Raw pitch accuracy of swaps, on frames, 20 ms apart, where the data are voiced (section 6.3).

    The melody should be the source's before the swap and after the global swap, and the target's after the local swap.
    Where the data have several octaves and v carries them, as it should, a swapped melody is octaves away and counts
    as wrong: the score is for data whose octave is one.

    Args:
        model: Size of CREPE.
        sample_rate: Sample rate of the audio, in Hz.
        device: Device on which CREPE runs.
        seed: Seed of the intervals.
    """

    def __init__(self, model: Capacity, sample_rate: int, device: torch.device, seed: int) -> None:
        self._model: Capacity = model
        self._rate = sample_rate
        self._seed = seed
        self._counts = {step: ClipRows().to(device) for step in (*STEPS, "resynthesis")}
        self._references: dict[int, tuple[Tensor, Tensor]] = {}
        crepe(model, device)  # what loads it first determines whether it is of inference mode

    def update(self, audio: Tensor, source: int, target: int, original: Callable[[int], Tensor]) -> None:
        """Adds a swap.

        Args:
            audio: Audio of the three sounds of the swap and of the resynthesised source, (4, n_samples).
            source: The number of the source clip.
            target: The target clip's.
            original: Returns the data's audio, (1, n_samples), by a clip's number.
        """
        contours = pitch_contours(audio, self._rate, model=self._model, hop_ms=HOP_MS)
        melodies = {"pre_swap": source, "global_swap": source, "local_swap": target, "resynthesis": source}
        for estimated, (step, clip) in zip(contours.hz, melodies.items(), strict=True):
            if clip not in self._references:
                reference = pitch_contours(original(clip), self._rate, model=self._model, hop_ms=HOP_MS)
                self._references[clip] = (reference.hz, reference.voiced())
            counts = frame_counts(estimated[None], *self._references[clip], THRESHOLD_CENTS)
            self._counts[step].update(torch.tensor([source], device=audio.device), counts)

    def compute(self) -> dict[str, Measured]:
        """Returns the accuracies.

        Raises:
            RunError: No clip has a voiced frame.
        """
        scores = {}
        for step, kept in self._counts.items():
            numbers, counts = (of_clips.cpu().numpy() for of_clips in kept.compute())
            voiced = counts[:, 1] > 0
            if not voiced.any():
                raise RunError(
                    f"the pitch cannot be evaluated: none of the {len(counts)} clips has a voiced frame; "
                    "--evaluation.rpa null leaves it out."
                )
            scores[pitch_accuracy(step).key] = Measured.of_clips(
                "ratio_of_sums", numbers[voiced], *counts[voiced].T, seed=self._seed
            )
        return scores
