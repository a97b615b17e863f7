"""Replacing v by that of clips of other classes (Luo et al. 2022, section 6.5)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from datamodules.protocols import ClipData, Clips
from lightning_app.errors import RunError
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from lightning_app.media.class_titles import class_title
from metrics.functional import swap_classification
from modules.protocols import Swappable

# Whether a target is of the other class in the first and in the second factor.
_TARGETS = ((True, False), (False, True), (True, True))

N_TARGETS = len(_TARGETS)
ROLES = ("source", *(f"{what}_{number}" for what in ("target", "replaced") for number in range(1, N_TARGETS + 1)))
"""What each of the seven sounds of the figure is."""


class Replacement(NamedTuple):
    """A source, its targets and what the source becomes with the v of each, in the order of `ROLES`."""

    positions: NDArray[np.int64]
    """Numbers of the validation clips whose melodies these are, shape (7,)."""
    wanted: NDArray[np.int64]
    """The class that each should show in either factor, shape (7, 2)."""
    x: Tensor
    """What the model hears or makes, shape (7, ...)."""


def title(data: ClipData, factors: Sequence[str], classes: NDArray[np.integer]) -> str:
    """Names the class of each factor, as in "violin, octave 4"."""
    named = zip(factors, classes, strict=True)
    return ", ".join(class_title(factor, data.class_names[factor][label]) for factor, label in named)


def labels_of(dataset: Clips, factors: Sequence[str]) -> NDArray[np.int64]:
    """Returns the class of each clip in each factor, shape (n, n_factors)."""
    return np.stack([dataset.labels[factor] for factor in factors], axis=1).astype(np.int64)


def draw_clips(data: ClipData, factors: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Draws a source and three targets: of another class in the first of two factors, in the second, in both.

    Args:
        data: The data, set up; their groups are the melodies.
        factors: Two attributes that are classes.
        seed: Seed of the choice of two classes of each factor and of the clips.

    Returns:
        The positions of four validation clips of four melodies, shape (4,).

    Raises:
        RunError: A factor has one class alone, or there is no clip of a combination of classes.
    """
    generator = np.random.default_rng(seed)
    dataset = data.validation_dataset
    labels, melodies = labels_of(dataset, factors), dataset.groups
    pairs = []
    for factor, there in zip(factors, labels.T, strict=True):
        # The classifier can read only what it was fitted on.
        classes = np.intersect1d(there, data.train_dataset.labels[factor])
        if len(classes) < 2:
            raise RunError(
                f"the figure is of two classes of each factor, and the clips of training and validation have in common "
                f"{len(classes)} {factor}; take a run whose data have two or more, or a larger set."
            )
        pairs.append(generator.permutation(classes)[:2])
    positions: list[int] = []
    for other in ((False, False), *_TARGETS):
        wanted = np.array([pair[int(differs)] for pair, differs in zip(pairs, other, strict=True)])
        fits = (labels == wanted).all(axis=1) & ~np.isin(melodies, melodies[positions])
        if not fits.any():
            raise RunError(
                f"the figure needs four melodies, and no validation clip of {title(data, factors, wanted)} has one "
                "that the others have not; take another --seed, or a run with a larger set."
            )
        positions.append(int(generator.choice(np.flatnonzero(fits))))
    return np.array(positions)


@torch.no_grad()
def replace(model: Swappable, data: ClipData, factors: Sequence[str], seed: int) -> Replacement:
    """Draws clips with `draw_clips` and decodes the source's z with the v of each target, on posterior means.

    Raises:
        RunError: See `draw_clips`.
    """
    clips = draw_clips(data, factors, seed)
    positions = np.concatenate([clips, np.repeat(clips[:1], N_TARGETS)])
    heard = _x(data, data.validation_dataset, clips)
    replaced = model.swap(heard[:1].expand(N_TARGETS, *heard.shape[1:]), heard[1:]).global_swap
    wanted = labels_of(data.validation_dataset, factors)[[*clips, *clips[1:]]]
    return Replacement(positions, wanted, torch.cat([heard, replaced]))


class Reader:
    """Reads the classes from v, by a linear discriminant analysis of the training clips for each factor.

    Args:
        model: Whose v.
        data: Set up.
        factors: Attributes that are classes.
    """

    @torch.no_grad()
    def __init__(self, model: Swappable, data: ClipData, factors: Sequence[str]) -> None:
        self.model, self.data, self.factors = model, data, factors
        batches = _batches(len(data.train_dataset), data.batch_size)
        self.v = torch.cat([model.global_latent(_x(data, data.train_dataset, batch)) for batch in batches])
        self.labels = labels_of(data.train_dataset, factors)

    @torch.no_grad()
    def classes(self, x: Tensor) -> NDArray[np.int64]:
        """Reads the class of each factor, (n, n_factors), from inputs (n, ...), encoded anew."""
        v = self.model.global_latent(x)
        read = [LinearDiscriminantAnalysis().fit(self.v, labels).predict(v) for labels in self.labels.T]
        return np.stack(read, axis=1)

    @torch.no_grad()
    def validation_f1(self, seed: int) -> dict[str, float]:
        """Macro F1 of each factor over all validation clips, with v replaced by that of a clip that differs in all.

        Args:
            seed: Seed of the pairing.

        Raises:
            RunError: A clip has no such partner.
        """
        dataset = self.data.validation_dataset
        labels = labels_of(dataset, self.factors)
        partners = partners_of_other_class(labels, seed)
        v = []
        for batch in _batches(len(dataset), self.data.batch_size):
            swap = self.model.swap(_x(self.data, dataset, batch), _x(self.data, dataset, partners[batch]))
            v.append(self.model.global_latent(swap.global_swap))
        wanted = labels[partners]
        return {
            factor: swap_classification(self.v, self.labels[:, column], torch.cat(v), wanted[:, column]).item()
            for column, factor in enumerate(self.factors)
        }


def _batches(n_clips: int, size: int) -> Iterator[NDArray[np.int64]]:
    return (np.arange(first, min(first + size, n_clips)) for first in range(0, n_clips, size))


def _x(data: ClipData, dataset: Clips, positions: NDArray[np.int64]) -> Tensor:
    return data.batch(dataset, positions, torch.device("cpu"))["x"]
