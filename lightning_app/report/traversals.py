"""Traversals: a dimension moved through its range, one step of a slider after the other."""

from dataclasses import dataclass, replace

import numpy as np

from datamodules.protocols import ClipData
from lightning_app.evaluation.traversal import posterior_means, range_of, traverse
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Tile, TileMaker, spectrogram_uri
from modules.protocols import Regularised

_N_POSITIONS = 7


@dataclass(frozen=True)
class TraversalRow:
    """One clip with one dimension moved.

    Attributes:
        attribute: The attribute that the dimension is tied to.
        dim: Number of the dimension.
        clip: What the clip is called.
        tiles: What is decoded at each position; the note has the position and the attribute as it was measured.
    """

    attribute: str
    dim: int
    clip: str
    tiles: list[Tile]


def traversals(
    run: OpenedRun, model: Regularised, clips: ClipData, n_clips: int, seed: int, make: TileMaker
) -> list[TraversalRow]:
    """Moves each regularised dimension of some validation clips through its range.

    Args:
        run: The run.
        model: Its model.
        clips: Its data.
        n_clips: Number of clips.
        seed: Seed of their draw.
        make: Makes the tiles.
    """
    n_there = len(clips.validation_dataset)
    chosen = np.sort(np.random.default_rng(seed).permutation(n_there)[:n_clips])
    means = posterior_means(model, clips)
    rows = []
    for dim, attribute in zip(model.regularized_dims, model.attribute_names, strict=False):
        moved = traverse(model, clips, chosen, dim, range_of(means[:, dim], _N_POSITIONS), attribute)
        for number, position in enumerate(chosen):
            tiles = []
            for step, place in enumerate(moved.positions.tolist()):
                picture = spectrogram_uri(moved.pictures[number, step], make.colours)
                where = f"position {step + 1} of {len(moved.positions)}"
                title = f"{run.clip_name(position)}, {where}, z{dim} = {place:.3g}"
                tile = Tile(title, make.sound(moved.audio[number, step]), picture, f"{place:.3g}")
                measured = float(moved.measured[number, step])
                said = f"{title}, {attribute} {measured:.0f}"
                tiles.append(tile if np.isnan(measured) else replace(tile, title=said, note=f"{measured:.0f}"))
            rows.append(TraversalRow(attribute, dim, run.clip_name(position), tiles))
    return rows
