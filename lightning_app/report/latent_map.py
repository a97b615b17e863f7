"""A map of a latent space: each clip a point that can be played, coloured by its class."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Sounds
from lightning_app.media.class_titles import class_title
from lightning_app.report.swaps import shuffled

# What is fitted on: enough for two axes, whatever the size of the data.
_MOST_FITTED = 2000
MOST_CLASSES = 24
"""Ways of classing with more values than this are left out: their colours and shapes could not be told apart."""


@dataclass(frozen=True)
class Point:
    """A clip.

    Attributes:
        x: Its place from left to right, 0 to 1.
        y: Its place from the top down, 0 to 1.
        title: What it is.
        sound: Key of its sound.
        classes: Number of its class, for each way of classing.
    """

    x: float
    y: float
    title: str
    sound: str
    classes: dict[str, int]


@dataclass(frozen=True)
class LatentMap:
    """A map.

    Attributes:
        space: What is mapped.
        axes: What lies across and what lies up.
        points: The clips.
        n_clips: How many clips the axes were found from.
        classes: The names of the classes, for each way of classing.
        centres: For each way of classing, the mean place of each class, across and up, in units of the axes.
    """

    space: str
    axes: tuple[str, str]
    points: list[Point]
    n_clips: int
    classes: dict[str, list[str]]
    centres: dict[str, list[tuple[float, float] | None]]


def latent_map(run: OpenedRun, clips: ClipData, factor: str | None, n_points: int, seed: int, sounds: Sounds
) -> LatentMap | None:  # fmt: skip
    """Maps validation clips by their global latent, or else by their regularised dimensions.

    Args:
        run: The run.
        clips: Its data.
        factor: The way of classing that colours the points at first, and whose classes take turns in the draw.
        n_points: Number of clips to show.
        seed: Seed of the draw.
        sounds: Takes the sounds.

    Returns:
        The map; None where the model has neither.
    """
    dataset = clips.validation_dataset
    known = {name: names for name, names in clips.class_names.items() if len(names) <= MOST_CLASSES}
    if factor in known:
        known = {factor: known[factor]} | known
    labels = dataset.labels[factor] if factor is not None else np.zeros(len(dataset), int)
    drawn = shuffled(labels, min(len(dataset), _MOST_FITTED), seed)
    found = _places(run, np.array(drawn))
    if found is None:
        return None
    space, axes, places = found
    scaled = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-12)
    points = []
    for position, (x, y) in list(zip(drawn, scaled.tolist(), strict=True))[:n_points]:
        index = int(dataset.indices[position])
        own = {name: int(dataset.labels[name][position]) for name in known}
        said = [class_title(name, known[name][label]) for name, label in own.items() if len(known[name]) > 1]
        key = sounds.add(clips.audio(index), clips.representation.sample_rate)
        title = ", ".join([run.clip_name(position), *said])
        points.append(Point(round(x, 4), round(1 - y, 4), title, key, own))
    centres = {
        name: [_centre(places, dataset.labels[name][drawn] == label) for label in range(len(names))]
        for name, names in known.items()
    }
    classes = {name: [class_title(name, one) for one in names] for name, names in known.items()}
    return LatentMap(space, axes, points, len(drawn), classes, centres)


def _centre(places: NDArray[np.float64], own: NDArray[np.bool_]) -> tuple[float, float] | None:
    return (float(places[own, 0].mean()), float(places[own, 1].mean())) if own.any() else None


def _places(run: OpenedRun, positions: NDArray[np.integer]) -> tuple[str, tuple[str, str], NDArray[np.float64]] | None:
    """What is mapped, its two axes, and the places of some clips, (n, 2)."""
    if (swaps := run.swappable) is not None:
        latents = _latents(run, swaps.global_latent, positions)
        return "global latent v", *_principal(latents)
    if (model := run.regularised) is None:
        return None
    latents = _latents(run, model.latent, positions)
    dims = list(model.regularized_dims)
    names = [f"z{dim}, {name}" for dim, name in zip(dims, model.attribute_names, strict=False)]
    places = latents[:, dims]
    if len(dims) < 2:
        others, rest = _principal(np.delete(latents, dims, axis=1))
        names, places = [*names, f"the others' {others[0]}"], np.column_stack([places, rest])
    return "posterior means of the regularised dimensions", (names[0], names[1]), places[:, :2]


def _latents(run: OpenedRun, encode: Callable[[Tensor], Tensor], positions: NDArray[np.integer]) -> NDArray[np.float64]:
    return torch.cat([encode(run.heard(batch)) for batch in run.batches(positions)]).double().numpy()


def _principal(latents: NDArray[np.float64]) -> tuple[tuple[str, str], NDArray[np.float64]]:
    """The first two principal components, with signs that do not depend on the solver."""
    centred = latents - latents.mean(axis=0)
    _, strengths, directions = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(latents), 2))
    for axis, direction in enumerate(directions[:2]):
        places[:, axis] = centred @ direction * np.copysign(1.0, direction[np.abs(direction).argmax()])
    shares = np.square(np.append(strengths, [0.0, 0.0])[:2]) / max(float(np.square(strengths).sum()), 1e-30)
    first, second = (f"principal component {n} ({share:.1%} of the variance)" for n, share in enumerate(shares, 1))
    return (first, second), places
