"""What swaps sound like: raw pitch accuracy and Fréchet audio distance of decoded clips (Luo et al. 2022)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import RunError
from lightning_app.evaluation.scores import audio_distance, pitch_accuracy, resynthesis_distance
from metrics import FrechetAudioDistance, RawPitchAccuracy, SwapClassification
from modules.audio.crepe import Capacity, crepe
from modules.audio.pitch import pitch_contours
from modules.audio.representation import Representation
from modules.audio.resample import resampled
from modules.audio_embedding import AudioEmbedding
from modules.protocols import Swap


class SwapAudio:
    """Turns swaps into audio, one at a time, and measures its pitch and its quality.

    The data's own spectrograms are turned into audio in the same way and measured too: what is lost there is no fault
    of the model.

    Args:
        original: Returns the data's audio, (n_samples,), by a clip's number.
        representation: What the model hears, and the way back to audio.
        pitch: Measures raw pitch accuracy; None leaves it out.
        distances: Measure Fréchet audio distances.
        device: Device on which CREPE and the embeddings run.
        seed: Seed of the phases of the audio.
    """

    def __init__(
        self,
        original: Callable[[int], NDArray[np.float32]],
        representation: Representation,
        pitch: "SwapPitch | None",
        distances: "Sequence[ReconstructionDistance]",
        device: torch.device,
        seed: int,
    ) -> None:
        self._original = original
        self._representation = representation
        self._rate = representation.sample_rate
        self._pitch = pitch
        self._distances = distances
        self._device = device
        self._seed = seed

    def update(self, x: Tensor, swap: Swap, source: int, target: int) -> None:
        """Adds one swap.

        Args:
            x: The source as the model heard it, (1, ...).
            swap: What the model made of it, each of the same shape.
            source: The number of the source clip.
            target: The target clip's.

        Raises:
            DataError: The audio of a clip cannot be had.
            RunError: See `ReconstructionDistance`.
        """
        with torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else []):
            # By the clip, so that neither batches nor processes matter.
            torch.manual_seed(self._seed + source)
            original = self._heard(source)
            audio = self._representation.inverse(torch.cat([*swap, x]).cpu(), original.shape[1]).to(self._device)
        if self._pitch is not None:
            self._pitch.update(audio, source, target, self._heard)
        if self._distances:
            for distance in self._distances:
                distance.update(audio[:1], audio[-1:], original, self._rate)

    def compute(self) -> dict[str, Tensor]:
        """Returns ``rpa/pre_swap`` and so on, ``fad/<embedding>``, and the same of the resynthesised data.

        Raises:
            RunError: See `SwapPitch`.
        """
        scores = self._pitch.compute() if self._pitch is not None else {}
        for distance in self._distances:
            scores |= distance.compute()
        return scores

    def _heard(self, clip: int) -> Tensor:
        """The audio of a clip of the data, (1, n_samples)."""
        return torch.from_numpy(self._original(clip)[None]).to(self._device)


class SwapPitch:
    """Raw pitch accuracy of swaps, on frames where the data are voiced (section 6.3).

    The melody should be the source's before the swap and after the global swap, and the target's after the local swap.
    Where the data have several octaves and v carries them, as it should, a swapped melody is octaves away and counts
    as wrong: the score is for data whose octave is one.

    Args:
        model: Size of CREPE.
        sample_rate: Sample rate of the audio, in Hz.
        device: Device on which CREPE runs.
    """

    def __init__(self, model: Capacity, sample_rate: int, device: torch.device) -> None:
        self._model: Capacity = model
        self._rate = sample_rate
        self._metrics = {step: RawPitchAccuracy().to(device) for step in (*SwapClassification.STEPS, "resynthesis")}
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
        contours = pitch_contours(audio, self._rate, model=self._model)
        melodies = {"pre_swap": source, "global_swap": source, "local_swap": target, "resynthesis": source}
        for estimated, (step, clip) in zip(contours.hz, melodies.items(), strict=True):
            if clip not in self._references:
                reference = pitch_contours(original(clip), self._rate, model=self._model)
                self._references[clip] = (reference.hz, reference.voiced())
            index = torch.tensor([source], device=audio.device)
            self._metrics[step].update(estimated[None], *self._references[clip], index)

    def compute(self) -> dict[str, Tensor]:
        """Returns the accuracies.

        Raises:
            RunError: No clip has a voiced frame.
        """
        try:
            return {
                pitch_accuracy(step).key: torch.as_tensor(metric.compute()) for step, metric in self._metrics.items()
            }
        except ValueError as error:
            raise RunError(f"the pitch cannot be evaluated: {error} --evaluation.rpa null leaves it out.") from error


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

    def compute(self) -> dict[str, Tensor]:
        """Returns the distances and the numbers of embeddings."""
        return dict(self._reconstruction.compute()) | dict(self._resynthesis.compute())

    def _embedded(self, audio: Tensor, sample_rate: int) -> Tensor:
        return self._embedding(resampled(audio, sample_rate, self._embedding.sample_rate))

    def _check_number(self, n_embeddings: int) -> None:
        if n_embeddings <= self._embedding.n_features:
            raise RunError(
                f"{audio_distance(self._embedding.name).key} has {n_embeddings} embeddings of "
                f"{self._embedding.n_features} dimensions from {self._n_clips} clips, too few for a covariance of full "
                "rank; raise --evaluation.audio_clips, take more validation clips, or leave it out of --evaluation.fad."
            )
