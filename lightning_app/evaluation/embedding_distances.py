"""How far decoded audio is from the data, in one embedding."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed

from lightning_app.errors import RunError
from lightning_app.evaluation.chosen_clips import ChosenClips
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.fold_moments import N_FOLDS, FoldMoments
from lightning_app.evaluation.measurement import Measured, Subject
from lightning_app.evaluation.scores import audio_distance, resynthesis_distance, with_counts
from metrics.functional import (
    Interval,
    bootstrap_interval,
    clip_frechet_distances,
    extrapolated_frechet_distance,
    linearised_frechet_distance,
    mean,
)
from metrics.functional.frechet_extrapolation import subsets
from metrics.functional.kernel_distance import mean_of_pairs, n_blocks, pair_terms
from metrics.functional.moments import merged_moments
from modules.audio.resample import resampled
from modules.audio_embedding import AudioEmbedding

_SIDES = ("reconstruction", "resynthesis", "original")
_SCORES = {"reconstruction": audio_distance, "resynthesis": resynthesis_distance}
_N_KEPT = 16  # frames of a clip that are compared with those of others; neighbours overlap and tell the same
_N_OUTLIERS = 10


class EmbeddingDistances:
    """Distances of the reconstructions and of the resynthesised data from the data, over all processes.

    For Fréchet distances moments are kept by folds of clips, and for distances between clips a few evenly spaced frames
    of each.

    Args:
        embedding: What is compared.
        name: What it is called in scores.
        kinds: What is measured, of `lightning_app.evaluation.scores.DISTANCES`.
        chosen: The clips.
        subject: What is evaluated.
    """

    def __init__(
        self, embedding: AudioEmbedding, name: str, kinds: Sequence[str], chosen: ChosenClips, subject: Subject
    ) -> None:
        self.name = name
        self.n_features = embedding.n_features
        self._embedding, self._kinds, self._subject = embedding, kinds, subject
        self._fold = {int(index): order % N_FOLDS for order, index in enumerate(chosen.indices)}
        self._moments = {side: FoldMoments(self.n_features).to(subject.device) for side in _SIDES}
        self._frames = ClipRows().to(subject.device)
        self._bars: dict[str, Callable[[], None]] = {}

    def update(
        self, index: Tensor, reconstruction: Tensor, resynthesis: Tensor, original: Tensor, sample_rate: int
    ) -> None:
        """Adds clips; see `AudioDistances.update`."""
        audio = torch.cat([reconstruction, resynthesis, original])
        vectors = self._embedding(resampled(audio, sample_rate, self._embedding.sample_rate))
        folds = torch.tensor([self._fold[int(clip)] for clip in index])
        for side, of_side in zip(_SIDES, vectors.chunk(len(_SIDES)), strict=True):
            self._moments[side].update(folds, of_side)
        n_frames = vectors.shape[1]
        kept = torch.linspace(0, n_frames - 1, min(n_frames, _N_KEPT)).round().long()
        rows = torch.stack(vectors[:, kept.to(vectors.device)].chunk(len(_SIDES)), dim=1)
        self._frames.update(index.to(self._subject.device), rows.flatten(1).to(self._subject.device))

    def counts(self) -> tuple[int, int]:
        """Returns the numbers of clips and of vectors."""
        numbers, self._rows = self._frames.compute()
        self._numbers = numbers.cpu().numpy()
        self._folds = {side: moments.compute() for side, moments in self._moments.items()}
        there = self._folds["original"][:, 0, 0] > 0
        self._folds = {side: moments[there] for side, moments in self._folds.items()}
        return len(self._numbers), int(self._folds["original"][:, 0, 0].sum())

    def compute(self) -> dict[str, Measured]:
        """Returns the scores; after `counts`.

        Raises:
            RunError: Most of the data's embeddings are the same.
        """
        scores: dict[str, Measured] = {}
        for side, score_of in _SCORES.items():
            if "fad" in self._kinds:
                scores |= self._frechet(side)
            if "kad" in self._kinds:
                scores[score_of(self.name, "kad").key] = self._kernel(side)
        return scores

    def outliers(self) -> list[dict[str, Any]]:
        """The reconstructions whose frames are farthest from those of all real clips, the farthest first.

        Each has the number and the name of the clip, the Fréchet distance of its frames, and that of the real clip.
        """
        real = merged_moments(self._folds["original"])
        distances, originals = (clip_frechet_distances(real, self._clips(side)).tolist() for side in _SIDES[::2])
        farthest = np.argsort(-np.array(distances), kind="stable")[:_N_OUTLIERS].tolist()
        numbers, data = self._numbers[farthest], self._subject.data
        names = data.clip_names(numbers) if hasattr(data, "clip_names") else [f"clip {number}" for number in numbers]
        return [
            {"clip": int(number), "name": str(name), "distance": distances[row], "original": originals[row]}
            for row, number, name in zip(farthest, numbers, names, strict=True)
        ]

    def _frechet(self, side: str) -> dict[str, Measured]:
        """The Fréchet distance, the numbers of embeddings, and the distance of endlessly many."""
        score_of, real, made = _SCORES[side], self._folds["original"], self._folds[side]
        distance, of_folds = linearised_frechet_distance(real, made)
        ends = bootstrap_interval(mean, of_folds, seed=self._subject.seed) if len(of_folds) > 1 else None
        key, *counts = with_counts(score_of(self.name))
        numbers = (float(moments[:, 0, 0].sum()) for moments in (real, made))
        found = {key: _within(float(distance), ends)}
        found |= {count: Measured(number) for count, number in zip(counts, numbers, strict=True)}
        if "fad_infinity" in self._kinds:
            seed, n_vectors = self._subject.seed, int(real[:, 0, 0].sum())
            advance = self._bar("Extrapolating FAD", len(subsets(len(real), n_vectors, self.n_features, seed)))
            infinite = float(extrapolated_frechet_distance(real, made, seed, advance))
            # To first order what a clip adds does not depend on how many there are.
            moved = None if ends is None else Interval(*(end - float(distance) + infinite for end in ends))
            found[score_of(self.name, "fad_infinity").key] = Measured(infinite, moved)
        return found

    def _kernel(self, side: str) -> Measured:
        real = self._clips("original")
        advance = self._bar("Comparing clips", n_blocks(*real.shape[:2]))
        try:
            terms = pair_terms(real, self._clips(side), advance=advance)
        except ValueError as error:
            raise RunError(f"kad/{self.name}: {error} Leave it out of --evaluation.kad.") from error
        numbers = np.arange(len(terms), dtype=np.float64)
        return Measured.of(mean_of_pairs(terms.cpu().numpy()), numbers, seed=self._subject.seed)

    def _clips(self, side: str) -> Tensor:
        """The frames of each clip that are kept, (N, frames, D)."""
        return self._rows.view(len(self._rows), len(_SIDES), -1, self.n_features)[:, _SIDES.index(side)]

    def _bar(self, title: str, n_steps: int) -> Callable[[], None]:
        """A bar of the steps of both scores, all of which every process takes."""
        if title not in self._bars:
            together = distributed.is_available() and distributed.is_initialized()
            n_processes = distributed.get_world_size() if together else 1
            self._bars[title] = self._subject.beside(title, len(_SCORES) * n_steps * n_processes)
        return self._bars[title]


def _within(distance: float, ends: Interval | None) -> Measured:
    """A distance that is never below 0."""
    return Measured(distance, None if ends is None else Interval(max(ends.low, 0.0), max(ends.high, 0.0)))
