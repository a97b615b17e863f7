"""Swaps to look at and listen to: the audio matrix, and pairs with all that a model makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.protocols import ClipData
from lightning_app.evaluation.swap_pairs import classes_in_turn
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Tile, TileMaker
from lightning_app.media.class_titles import class_title
from lightning_app.media.swap_versions import swap_versions
from modules.protocols import Swappable

_MOST_TARGETS = 6


@dataclass(frozen=True)
class Cell:
    """A source with the global latent of a target.

    Attributes:
        swap: What the model makes of it.
        truth: What it should sound like; None where that is not known, or is the source itself.
    """

    swap: Tile
    truth: Tile | None


@dataclass(frozen=True)
class AudioMatrix:
    """Every melody in every class.

    Attributes:
        factor: The way of classing.
        targets: The clips whose global latent the columns have, by their class.
        rows: Each source, its class, and its swaps.
        n_classes: How many classes there are, of which the columns may be the first.
    """

    factor: str
    targets: dict[str, Tile]
    rows: list[tuple[Tile, str, list[Cell]]]
    n_classes: int


@dataclass(frozen=True)
class Examples:
    """Pairs of clips.

    Attributes:
        versions: The names of the columns.
        rows: A title for each pair, and its tiles.
    """

    versions: list[str]
    rows: list[tuple[str, list[Tile]]]


def shuffled(labels: NDArray[np.integer], n: int, seed: int) -> list[int]:
    """Draws clips so that the classes take turns; returns their positions."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return [int(order[place]) for place in classes_in_turn(labels[order], n)]


def draw_targets(clips: ClipData, factor: str, taken: Sequence[int], seed: int) -> dict[int, int]:
    """Draws a validation clip of each class, of another group than the sources' where there is one.

    Returns:
        Their positions, by their label.
    """
    generator = np.random.default_rng(seed)
    dataset, targets = clips.validation_dataset, {}
    for label in np.unique(dataset.labels[factor])[:_MOST_TARGETS].tolist():
        own = np.flatnonzero(dataset.labels[factor] == label)
        apart = own[~np.isin(dataset.groups[own], dataset.groups[list(taken)])]
        targets[label] = int(generator.choice(apart if len(apart) else own))
    return targets


def audio_matrix(
    run: OpenedRun, model: Swappable, clips: ClipData, factor: str, n_sources: int, seed: int, make: TileMaker
) -> AudioMatrix:
    """Swaps sources, drawn from the validation clips, with a clip of each class.

    Args:
        run: The run.
        model: Its model.
        clips: Its data.
        factor: The way of classing.
        n_sources: Number of sources.
        seed: Seed of the draw.
        make: Makes the tiles.
    """
    dataset = clips.validation_dataset
    labels = dataset.labels[factor]
    names = [class_title(factor, name) for name in clips.class_names[factor]]
    sources = shuffled(labels, n_sources, seed)
    targets = draw_targets(clips, factor, sources, seed)
    heard = run.heard([*targets.values()])
    columns = {
        names[label]: make.tile(x, clips.audio(int(dataset.indices[position])), f"target {names[label]}, {where}")
        for (label, position), x in zip(targets.items(), heard, strict=True)
        for where in [run.clip_name(position)]
    }
    rows = []
    for position in sources:
        index, own = int(dataset.indices[position]), int(labels[position])
        x = run.heard([position])
        what = f"{names[own]}, {run.clip_name(position)}"
        swapped = model.swap(x.expand(len(targets), *x.shape[1:]), heard).global_swap
        tiles = make.decoded(swapped, [f"{what}, swapped to {names[label]}" for label in targets])
        truths = [_truth(run, index, factor, clips.class_names[factor], own, label) for label in targets]
        cells = [
            Cell(tile, None if truth is None else Tile(f"true swap: {what} as {names[label]}", make.sound(truth)))
            for tile, truth, label in zip(tiles, truths, targets, strict=True)
        ]
        rows.append((make.tile(x[0], clips.audio(index), f"source {what}"), names[own], cells))
    return AudioMatrix(factor, columns, rows, len(np.unique(labels)))


def _truth(
    run: OpenedRun, index: int, factor: str, names: Sequence[str], own: int, label: int
) -> NDArray[np.float32] | None:
    if run.true_swaps is None or own == label:
        return None
    return run.true_swaps.true_swap(index, {factor: names[label]})


def examples(
    run: OpenedRun, model: Swappable, clips: ClipData, factor: str, n_pairs: int, seed: int, make: TileMaker
) -> Examples:
    """Shows pairs of validation clips of two classes, and all that the model makes of them; see `audio_matrix`."""
    dataset = clips.validation_dataset
    labels = dataset.labels[factor]
    names = [class_title(factor, name) for name in clips.class_names[factor]]
    sources = shuffled(labels, n_pairs, seed + 1)
    generator = np.random.default_rng(seed + 1)
    targets = [int(generator.choice(np.flatnonzero(labels != labels[source]))) for source in sources]
    shown = swap_versions(model, run.heard(sources), run.heard(targets))
    pairs = [f"{names[labels[i]]} to {names[labels[j]]}" for i, j in zip(sources, targets, strict=True)]
    tiles: dict[str, list[Tile]] = {}
    for version, x in shown.items():
        titles = [f"{pair}, {version}" for pair in pairs]
        of = {"source": sources, "target": targets}.get(version)
        tiles[version] = (
            make.decoded(x, titles)
            if of is None
            else [
                make.tile(one, clips.audio(int(dataset.indices[position])), title)
                for one, position, title in zip(x, of, titles, strict=True)
            ]
        )
    return Examples([*shown], [(pair, [tiles[version][row] for version in shown]) for row, pair in enumerate(pairs)])
