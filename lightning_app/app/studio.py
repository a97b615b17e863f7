"""A trained model, and the sounds that it is tried on."""

from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.clips.level import usual_peak
from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.requirements import clip_data
from lightning_app.evaluation.traversal import posterior_means, range_of
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Sounds, Tile, TileMaker
from lightning_app.media.class_titles import class_title
from lightning_app.own_sounds.clip import as_clip
from lightning_app.own_sounds.sound import read_sound
from lightning_app.report.swaps import shuffled

_N_POSITIONS = 7


@dataclass(frozen=True)
class ShelfSound:
    """A sound on the shelf.

    Attributes:
        title: What it is called.
        wave: The audio, (n_samples,).
        x: What the model hears of it, (1, ...).
    """

    title: str
    wave: NDArray[np.float32]
    x: Tensor


@dataclass(frozen=True)
class Row:
    """Tiles that belong together, and the attribute that a slider moves through them, where there is one."""

    title: str
    tiles: list[Tile]
    attribute: str | None = None


class Studio:
    """A shelf of sounds, the first of which are clips of the run, and what its model makes of them.

    Args:
        run: The run, its data set up.
        n_clips: Number of validation clips on the shelf, their classes in turn.
        seed: Seed of their draw, and of the phases of the audio.

    Raises:
        RunError: The data are no clips, or the model can neither swap nor be traversed.
    """

    def __init__(self, run: OpenedRun, n_clips: int = 12, seed: int = 0) -> None:
        self.run = run
        self.data: ClipData = clip_data(run.data)
        if run.swappable is None and run.regularised is None:
            raise RunError(
                f"{type(run.model).__name__} has neither latents to swap nor regularised dimensions (see "
                "modules.protocols), so there is nothing to try."
            )
        self.seed = seed
        self._lock = Lock()  # the page may ask for several things at once
        self.sounds: list[ShelfSound] = [self._clip(position) for position in self._drawn(n_clips)]
        self._peak = usual_peak(self.data.audio, self.data.train_dataset.indices)
        x = torch.cat([sound.x for sound in self.sounds])
        self._maker = TileMaker.of(x, self.data.representation, self.data.n_samples, Sounds(), seed)

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.data.n_samples / self.data.representation.sample_rate

    def add(self, content: bytes, name: str) -> int:
        """Puts a sound of one's own on the shelf.

        Args:
            content: A file of audio.
            name: What to call it.

        Returns:
            Its number on the shelf.

        Raises:
            RunError: It cannot be read, or is no sound.
        """
        representation = self.data.representation
        wave = as_clip(
            read_sound(content, name),
            sample_rate=representation.sample_rate,
            n_samples=self.data.n_samples,
            peak=self._peak,
        )
        with torch.inference_mode():
            sound = ShelfSound(name, wave, representation(torch.from_numpy(wave)[None]))
        with self._lock:
            self.sounds.append(sound)
            return len(self.sounds) - 1

    def shelf(self, sounds: Sounds, first: int = 0) -> list[Tile]:
        """Returns the tiles of the shelf from a number on."""
        make = replace(self._maker, sounds=sounds)
        return [make.tile(sound.x[0], sound.wave, sound.title) for sound in self.sounds[first:]]

    @torch.inference_mode()
    def hear(self, source: int, target: int | None, sounds: Sounds) -> list[Row]:
        """Makes of a sound all that the model can.

        Args:
            source: Number of the sound on the shelf.
            target: Number of the sound to swap with; None swaps nothing.
            sounds: Takes what is made audible.

        Returns:
            A row with the reconstruction and, with a target, both swaps, and a row for each regularised dimension.

        Raises:
            RunError: There is no such sound.
        """
        with self._lock:
            heard = self._sound(source)
            other = heard if target is None else self._sound(target)
            make = replace(self._maker, sounds=sounds)
            rows = []
            if (model := self.run.swappable) is not None:
                swap = model.swap(heard.x, other.x)
                made = [swap.reconstruction] if target is None else [*swap]
                titles = [f"{heard.title}, reconstructed", f"{heard.title}, as {other.title}",
                          f"{other.title}, as {heard.title}"]  # fmt: skip
                rows.append(Row("", make.decoded(torch.cat(made), titles[: len(made)])))
            return rows + self._traversals(heard, make)

    def _traversals(self, heard: ShelfSound, make: TileMaker) -> list[Row]:
        model = self.run.regularised
        if model is None:
            return []
        rows = []
        like = torch.from_numpy(heard.wave)[None].expand(_N_POSITIONS, -1)
        for dim, attribute in zip(model.regularized_dims, model.attribute_names, strict=False):
            positions = range_of(self._means[:, dim], _N_POSITIONS)
            decoded = model.traverse(heard.x, dim, positions.float())[0]
            titles = [f"{heard.title}, {attribute} at {place:.2f}" for place in positions.tolist()]
            tiles = make.decoded(decoded, titles, like=like)
            noted = [replace(tile, note=f"{place:.2f}") for tile, place in zip(tiles, positions.tolist(), strict=True)]
            rows.append(Row(f"{attribute} (z{dim})", noted, attribute))
        return rows

    @cached_property
    def _means(self) -> Tensor:
        """Posterior means of validation clips, from which the ranges of dimensions follow."""
        assert self.run.regularised is not None
        return posterior_means(self.run.regularised, self.data)

    def _sound(self, number: int) -> ShelfSound:
        if not 0 <= number < len(self.sounds):
            raise RunError(f"there is no sound {number} on the shelf; load the page again.")
        return self.sounds[number]

    def _drawn(self, n_clips: int) -> list[int]:
        """Positions of some validation clips, those of different classes in turn."""
        dataset = self.data.validation_dataset
        classes = next(iter(dataset.labels.values()), np.zeros(len(dataset), int))
        return shuffled(classes, min(n_clips, len(dataset)), self.seed)

    def _clip(self, position: int) -> ShelfSound:
        dataset = self.data.validation_dataset
        factor = next(iter(self.data.class_names), None)
        name = self.run.clip_name(position)
        if factor is not None:
            label = self.data.class_names[factor][int(dataset.labels[factor][position])]
            name = f"{class_title(factor, label)}, {name}"
        return ShelfSound(name, self.data.audio(int(dataset.indices[position])), self.run.heard([position]))
