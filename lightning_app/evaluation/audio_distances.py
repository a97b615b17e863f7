"""How far decoded audio is from the data, in embeddings."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.chosen_clips import ChosenClips
from lightning_app.evaluation.embedding_distances import EmbeddingDistances
from lightning_app.evaluation.measurement import Measured, Subject
from lightning_app.evaluation.scores import audio_distance, resynthesis_distance
from lightning_app.runs.trust import refuse_foreign_code
from metrics.functional.frechet_extrapolation import MIN_GROUPS
from modules.audio_embedding import FileEmbedding, audio_embedding, embedding_file
from modules.errors import ModelError


class _Fact(NamedTuple):
    """What is known of an embedding once it was loaded."""

    n_features: int
    n_frames: int
    """Vectors of a clip."""


class AudioDistances:
    """Distances of decoded audio from the data, and of the data's own spectrograms made audible in the same way.

    They are ``fad/<embedding>``, ``fad_infinity/<embedding>`` and ``kad/<embedding>``, and ``fad_resynthesis/...`` and
    so on. All that an embedding is asked for is measured on the same vectors, embedded once. A file is called by its
    name without the ending.

    Args:
        fad: Embeddings in which the Fréchet audio distance is measured: names, or paths of files.
        kad: Those in which the kernel audio distance is.
        fad_infinity: Whether to extrapolate the Fréchet distances to endlessly many clips.
        vggish_weights: A file with the weights of VGGish, which else are downloaded once.

    Raises:
        RunError: What is no embedding, is named twice, or is a file that a record from elsewhere names.
    """

    def __init__(self, fad: Sequence[str], kad: Sequence[str], fad_infinity: bool, vggish_weights: Path | None) -> None:
        frechet = ("fad", "fad_infinity") if fad_infinity else ("fad",)
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._weights = vggish_weights
        self._names: dict[str, str] = {}
        for option, embeddings, kinds in (("fad", fad, frechet), ("kad", kad, ("kad",))):
            names = [_name(embedding, option) for embedding in embeddings]
            if len(set(names)) < len(names):
                raise RunError(f"evaluation.{option} names an embedding twice: {', '.join(embeddings)}.")
            for name, embedding in zip(names, embeddings, strict=True):
                if self._names.setdefault(name, embedding) != embedding:
                    raise RunError(
                        f"evaluation.fad and evaluation.kad have two embeddings {name}, {self._names[name]} and "
                        f"{embedding}; scores are called by that name, so rename one."
                    )
                self._kinds[name] = (*self._kinds.get(name, ()), *kinds)
        if fad_infinity and not fad:
            raise RunError(
                "evaluation.fad_infinity extrapolates the distances of evaluation.fad, which names no embedding; name "
                "one, or leave it out with --evaluation.fad_infinity false."
            )

    @property
    def embeddings(self) -> list[str]:
        """The names of the embeddings."""
        return list(self._names)

    def check(self, data: ClipData) -> None:
        """Loads every embedding once, so that one which cannot be had is told before data are prepared.

        Raises:
            RunError: It cannot be loaded, wants another sample rate, or longer clips.
        """
        rate = data.representation.sample_rate
        self._facts = {name: self._fact(name, data.n_samples, rate) for name in self._names}

    def check_clips(self, n_clips: int) -> None:
        """Checks that clips are enough.

        Args:
            n_clips: How many will be listened to.

        Raises:
            RunError: They are not.
        """
        for name, (n_features, n_frames) in self._facts.items():
            require_enough(name, self._kinds[name], n_features, n_clips, n_clips * n_frames)

    def begin(self, subject: Subject, chosen: ChosenClips) -> None:
        """Loads the embeddings for the clips that are chosen."""
        self._of_embeddings = [
            EmbeddingDistances(
                audio_embedding(embedding, subject.device, self._weights, subject.data.n_samples),
                name,
                self._kinds[name],
                chosen,
                subject,
            )
            for name, embedding in self._names.items()
        ]

    def update(
        self, index: Tensor, reconstruction: Tensor, resynthesis: Tensor, original: Tensor, sample_rate: int
    ) -> None:
        """Adds clips.

        Args:
            index: Their numbers, (B,).
            reconstruction: What the model made of them, (B, n_samples).
            resynthesis: Their spectrograms made audible, (B, n_samples).
            original: The data's audio, (B, n_samples).
            sample_rate: In Hz.
        """
        for of_embedding in self._of_embeddings:
            of_embedding.update(index, reconstruction, resynthesis, original, sample_rate)

    def compute(self) -> dict[str, Measured]:
        """Returns the distances, and for the Fréchet distance the numbers of embeddings.

        Raises:
            RunError: Fewer clips were heard than were chosen, and too few.
        """
        scores: dict[str, Measured] = {}
        for of_embedding in self._of_embeddings:
            kinds, counts = self._kinds[of_embedding.name], of_embedding.counts()
            require_enough(of_embedding.name, kinds, of_embedding.n_features, *counts)
            scores |= of_embedding.compute()
        return scores

    def outliers(self) -> dict[str, list[dict[str, Any]]]:
        """The reconstructions that are farthest from the data, by embedding; after `compute`."""
        return {of_embedding.name: of_embedding.outliers() for of_embedding in self._of_embeddings}

    def known_keys(self) -> list[str]:
        scores = (audio_distance, resynthesis_distance)
        return [of(name, kind).key for of in scores for name, kinds in self._kinds.items() for kind in kinds]

    def settings(self) -> dict[str, Any]:
        """Which files were embeddings."""
        files: Mapping[str, str] = {name: path for name, path in self._names.items() if name != path}
        return {"embedding_files": files} if files else {}

    def _fact(self, name: str, n_samples: int, rate: int) -> _Fact:
        embedding, leave_out = self._names[name], f"leave it out of {_options(self._kinds[name])}."
        try:
            loaded = audio_embedding(embedding, vggish_weights=self._weights, n_samples=n_samples)
            if isinstance(loaded, FileEmbedding) and loaded.sample_rate != rate:
                raise RunError(
                    f"{embedding} embeds audio of {loaded.sample_rate} Hz, and the audio of these data has {rate} Hz; "
                    f"give the network a resampler of its own and the rate {rate}, or {leave_out}"
                )
            n_frames = loaded.frames(math.ceil(n_samples * loaded.sample_rate / rate))
        except ModelError as error:
            raise RunError(f"{str(error).removesuffix('.')}; or {leave_out}") from error
        if n_frames < 1:
            raise RunError(
                f"{embedding} embeds longer pieces than these clips of {n_samples / rate:.2f} s; {leave_out}"
            )
        return _Fact(loaded.n_features, n_frames)


def require_enough(name: str, kinds: Sequence[str], n_features: int, n_clips: int, n_vectors: int) -> None:
    """Checks that clips and their embeddings are enough for distances.

    Args:
        name: Name of the embedding.
        kinds: What is measured in it.
        n_features: Number of values of a vector.
        n_clips: Number of clips.
        n_vectors: Number of vectors of all clips.

    Raises:
        RunError: They are too few; says of which, and how to leave that out.
    """
    remedy = "raise --evaluation.audio_clips, take more validation clips, or leave it out"
    has = f"has {n_vectors} embeddings of {n_features} dimensions from {n_clips} clips"
    if "fad" in kinds and n_vectors <= n_features:
        raise RunError(
            f"fad/{name} {has}, too few for a covariance of full rank; {remedy} of --evaluation.fad "
            f"(--evaluation.kad '[{name}]' needs no more than two clips)."
        )
    if "fad_infinity" in kinds and (n_vectors <= 2 * n_features or n_clips < MIN_GROUPS):
        raise RunError(
            f"fad_infinity/{name} {has}, and needs more than {2 * n_features} from {MIN_GROUPS} clips or more; "
            f"{remedy} with --evaluation.fad_infinity false."
        )
    if "kad" in kinds and n_clips < 2:
        raise RunError(f"kad/{name} {has}, and compares clips with one another; {remedy} of --evaluation.kad.")


def _name(embedding: str, option: str) -> str:
    """Returns what an embedding is called in scores.

    Raises:
        RunError: It is none, or a file that a record from elsewhere names.
    """
    try:
        path = embedding_file(embedding)
    except ModelError as error:
        raise RunError(f"evaluation.{option}: {error}") from error
    if path is None:
        return embedding
    refuse_foreign_code(embedding, f"evaluation.{option}")
    if path.stem.startswith("n_"):  # as numbers of embeddings are called
        raise RunError(
            f"evaluation.{option}: scores are called by the name of {embedding}, which must not begin with n_."
        )
    return path.stem


def _options(kinds: Sequence[str]) -> str:
    return " and ".join(f"--evaluation.{option}" for option in ("fad", "kad") if option in kinds)
