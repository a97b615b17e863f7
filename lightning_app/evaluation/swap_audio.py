"""What swaps sound like: raw pitch accuracy and Fréchet audio distance of decoded clips (Luo et al. 2022)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_app.errors import RunError
from lightning_app.evaluation.chosen_clips import ChosenClips
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import STEPS, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.scores import audio_distance, pitch_accuracy, resynthesis_distance
from metrics import FrechetAudioDistance
from metrics.functional import ratio_of_sums
from metrics.functional.raw_pitch_accuracy import frame_counts
from modules.audio.crepe import Capacity, crepe
from modules.audio.pitch import pitch_contours
from modules.audio.resample import resampled
from modules.audio_embedding import AudioEmbedding, EmbeddingName, audio_embedding

_THRESHOLD_CENTS = 50.0
_HOP_MS = 20.0  # CREPE takes most of the time, and frames of 64 ms that are 10 ms apart tell hardly more


class SwapAudio(Measurement):
    """Turns swaps into audio, and measures its pitch (``rpa/...``) and its quality (``fad/...``).

    The data's own spectrograms are turned into audio in the same way and measured too: what is lost there is no fault
    of the model.

    Args:
        rpa: Size of the CREPE that raw pitch accuracy is measured by; None leaves it out.
        fad: Embeddings in which Fréchet audio distances are measured.
        vggish_weights: A file with the weights of VGGish, which else are downloaded once.
        n_clips: Number of clips to listen to; None takes all.
    """

    def __init__(
        self,
        rpa: Capacity | None,
        fad: Sequence[EmbeddingName],
        vggish_weights: Path | None,
        n_clips: int | None,
    ) -> None:
        self.rpa = rpa
        self.fad = tuple(fad)
        self.vggish_weights = vggish_weights
        self.n_clips = n_clips if rpa or fad else 0

    def begin(self, subject: Subject) -> None:
        self._subject = subject
        self._chosen = ChosenClips(subject, self.n_clips, "Listening")
        rate, device = subject.data.representation.sample_rate, subject.device
        # Loaded before inference mode begins: this process shares the networks with others, which may need gradients.
        self._pitch = SwapPitch(self.rpa, rate, device, subject.seed) if self.rpa else None
        self._distances = [
            ReconstructionDistance(audio_embedding(name, device, self.vggish_weights), self._chosen.total, device)
            for name in self.fad
        ]

    def update(self, clips: SwappedClips) -> None:
        """Adds the chosen ones of a batch.

        Raises:
            DataError: The audio of a clip cannot be had.
            RunError: See `ReconstructionDistance`.
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
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            # By the clip, so that neither batches nor processes matter.
            torch.manual_seed(self._subject.seed + source)
            original = self._heard(source)
            audio = representation.inverse(x.cpu(), original.shape[1]).to(device)
        if self._pitch is not None:
            self._pitch.update(audio, source, target, self._heard)
        for distance in self._distances:
            distance.update(audio[:1], audio[-1:], original, representation.sample_rate)

    def compute(self) -> dict[str, Measured]:
        """Returns ``rpa/pre_swap`` and so on, ``fad/<embedding>``, and the same of the resynthesised data.

        Raises:
            RunError: See `SwapPitch`.
        """
        self._n_heard = self._chosen.n_seen()
        scores = self._pitch.compute() if self._pitch is not None else {}
        for distance in self._distances:
            scores |= distance.compute()
        return scores

    def settings(self) -> dict[str, Any]:
        return {"rpa_model": self.rpa, "n_audio_clips": self._n_heard}

    def known_keys(self) -> list[str]:
        steps = (*STEPS, "resynthesis") if self.rpa else ()
        distances = (distance(name).key for distance in (audio_distance, resynthesis_distance) for name in self.fad)
        return [*(pitch_accuracy(step).key for step in steps), *distances]

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
        contours = pitch_contours(audio, self._rate, model=self._model, hop_ms=_HOP_MS)
        melodies = {"pre_swap": source, "global_swap": source, "local_swap": target, "resynthesis": source}
        for estimated, (step, clip) in zip(contours.hz, melodies.items(), strict=True):
            if clip not in self._references:
                reference = pitch_contours(original(clip), self._rate, model=self._model, hop_ms=_HOP_MS)
                self._references[clip] = (reference.hz, reference.voiced())
            counts = frame_counts(estimated[None], *self._references[clip], _THRESHOLD_CENTS)
            self._counts[step].update(torch.tensor([source], device=audio.device), counts)

    def compute(self) -> dict[str, Measured]:
        """Returns the accuracies.

        Raises:
            RunError: No clip has a voiced frame.
        """
        scores = {}
        for step, kept in self._counts.items():
            counts = kept.compute()[1].cpu().numpy()
            voiced = counts[counts[:, 1] > 0]
            if not len(voiced):
                raise RunError(
                    f"the pitch cannot be evaluated: none of the {len(counts)} clips has a voiced frame; "
                    "--evaluation.rpa null leaves it out."
                )
            scores[pitch_accuracy(step).key] = Measured.of(ratio_of_sums, *voiced.T, seed=self._seed)
        return scores


class ReconstructionDistance:
    """Fréchet audio distance from the data, of the reconstructions and of the resynthesised data (section 6.2).

    Args:
        embedding: What is compared.
        n_clips: How many clips there will be, over all processes.
        device: Device of the metric.
    """

    def __init__(self, embedding: AudioEmbedding, n_clips: int, device: torch.device) -> None:
        self._embedding = embedding
        self._n_clips = n_clips
        self._reconstruction, self._resynthesis = (
            FrechetAudioDistance(embedding.n_features, name=score.key.split("/")[0], embedding_name=embedding.name).to(
                device
            )
            for score in (audio_distance(embedding.name), resynthesis_distance(embedding.name))
        )

    def update(self, reconstruction: Tensor, resynthesis: Tensor, original: Tensor, sample_rate: int) -> None:
        """Adds the audio of a clip, each (1, n_samples).

        Raises:
            RunError: All clips together give no more embeddings than these have dimensions.
        """
        real = self._embedded(original, sample_rate)
        # Known from the first clip on; CREPE would be run on all the others in vain.
        self._check_number(real.shape[1] * self._n_clips)
        for metric, audio in ((self._reconstruction, reconstruction), (self._resynthesis, resynthesis)):
            metric.update(real, real=True)
            metric.update(self._embedded(audio, sample_rate), real=False)

    def compute(self) -> dict[str, Measured]:
        """Returns the distances and the numbers of embeddings."""
        found = dict(self._reconstruction.compute()) | dict(self._resynthesis.compute())
        return {key: Measured(float(value)) for key, value in found.items()}

    def _embedded(self, audio: Tensor, sample_rate: int) -> Tensor:
        return self._embedding(resampled(audio, sample_rate, self._embedding.sample_rate))

    def _check_number(self, n_embeddings: int) -> None:
        if n_embeddings <= self._embedding.n_features:
            raise RunError(
                f"{audio_distance(self._embedding.name).key} has {n_embeddings} embeddings of "
                f"{self._embedding.n_features} dimensions from {self._n_clips} clips, too few for a covariance of full "
                "rank; raise --evaluation.audio_clips, take more validation clips, or leave it out of --evaluation.fad."
            )
