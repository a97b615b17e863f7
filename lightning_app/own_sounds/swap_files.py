"""Swaps of several sources by several targets, as files: sounds, and pictures of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, cast

from lightning_app.errors import UsageError
from lightning_app.own_sounds.files import distinct, short_names
from lightning_app.own_sounds.output import Format, is_sound_file, write_sound
from lightning_app.own_sounds.picture import Spectrogram, save_matrix, save_stack, spectrogram
from lightning_app.own_sounds.sound import Sound, read_sound
from lightning_app.own_sounds.swapping import Which, description, reconstruction, swap
from lightning_app.own_sounds.trained_model import TrainedModel

Choice = Literal["global", "local", "both"]

_KEPT_SAMPLES = 64 * 2**20
"""How many samples of targets stay in memory between sources: 256 MiB, or 25 minutes at 44.1 kHz."""


@dataclass(frozen=True)
class SwapFiles:
    """Which files a call writes, known before any of them is made.

    Attributes:
        folder: The folder of all of them.
        swaps: The sound of each swap, by the numbers of its source and its target and by what is swapped.
        reconstructions: The sound of each source's reconstruction, by its number; empty where one sound is asked for.
        pictures: The picture of each pair, by the numbers of its source and its target.
        matrices: The picture of all pairs, by what is swapped; empty where there is one pair.
    """

    folder: Path
    swaps: dict[tuple[int, int, Which], Path]
    reconstructions: dict[int, Path]
    pictures: dict[tuple[int, int], Path]
    matrices: dict[Which, Path]

    @property
    def all(self) -> list[Path]:
        """All files."""
        parts = (self.swaps, self.reconstructions, self.pictures, self.matrices)
        return [path for part in parts for path in cast(dict[object, Path], part).values()]

    @classmethod
    def of(
        cls, out: Path, sources: Sequence[Path], targets: Sequence[Path], choice: Choice, form: Format | None
    ) -> "SwapFiles":
        """Plans the files.

        Args:
            out: A folder, or the path of the one sound that comes out.
            sources: Files of the sources.
            targets: Files of the targets.
            choice: What is swapped.
            form: Format of the sounds; None takes WAV, or that of the one sound.

        Raises:
            UsageError: ``out`` is one sound, and there are several, or it has an ending that is not written.
        """
        kinds: list[Which] = ["global", "local"] if choice == "both" else [choice]
        pairs = list(product(range(len(sources)), range(len(targets))))
        swaps = [(*pair, kind) for pair in pairs for kind in kinds]
        if is_sound_file(out, form):
            if len(swaps) > 1:
                raise UsageError(f"--out {out} is one sound, and these are {len(swaps)} swaps; name a folder.")
            return cls(out.parent, {swaps[0]: out}, {}, {pairs[0]: out.with_suffix(".png")}, {})
        names, others = short_names(sources), short_names(targets)
        titles = distinct([f"{names[i]}_to_{others[j]}" for i, j in pairs])
        pair_names = dict(zip(pairs, titles, strict=True))
        ending = form or "wav"
        return cls(
            out,
            {(i, j, kind): out / f"{pair_names[i, j]}_{kind}_swap.{ending}" for i, j, kind in swaps},
            {i: out / f"{name}_reconstruction.{ending}" for i, name in enumerate(names)},
            {pair: out / f"{name}.png" for pair, name in pair_names.items()},
            {kind: out / f"all_{kind}_swaps.png" for kind in kinds} if len(pairs) > 1 else {},
        )


def write_swaps(
    trained: TrainedModel, sources: Sequence[Path], targets: Sequence[Path], files: SwapFiles, rate: int | None,
    seed: int,
) -> Iterator[str]:  # fmt: skip
    """Makes all swaps and writes them; returns what is to be said of each sound.

    Args:
        trained: The model.
        sources: Files of the sources.
        targets: Files of the targets.
        files: Where everything is written.
        rate: Sample rate of what is written, in Hz; None takes that of the sources.
        seed: Seed of phases that have to be guessed.
    """
    heard = _Targets(targets)
    of_targets = [_seen(trained, heard.read(j)) for j in range(len(targets))]
    of_sources: list[Spectrogram] = []
    made: dict[tuple[int, int, Which], Spectrogram] = {}
    for i, file in enumerate(sources):
        source = read_sound(file)
        of_sources.append(_seen(trained, source))
        rows = {f"source: {source}": of_sources[i]}
        if i in files.reconstructions:
            rebuilt = reconstruction(trained, source, rate=rate, seed=seed)
            write_sound(files.reconstructions[i], rebuilt)
            rows["reconstruction"] = _seen(trained, rebuilt)
            yield _said(files.reconstructions[i], f"{source}, as the model reconstructs it.", rebuilt)
        for j in range(len(targets)):
            target = heard.read(j)
            pair = {f"target: {target}": of_targets[j]}
            for key, path in files.swaps.items():
                if key[:2] == (i, j):
                    swapped = swap(trained, source, target, key[2], rate=rate, seed=seed)
                    write_sound(path, swapped)
                    pair[f"{key[2]} swap"] = made[key] = _seen(trained, swapped)
                    yield _said(path, description(trained, source, target, key[2]), swapped)
            save_stack(files.pictures[i, j], rows | pair)
    for which, path in files.matrices.items():
        cells = [[made[i, j, which] for j in range(len(targets))] for i in range(len(sources))]
        rows = dict(zip(short_names(sources), of_sources, strict=True))
        columns = dict(zip(short_names(targets), of_targets, strict=True))
        save_matrix(path, rows, columns, cells, f"Each source (left) with the {which} latents of each target (above)")


class _Targets:
    """Targets, which come again with each source: the first of them that there is room for are read once.

    Keeping the latest instead would save nothing where there is no room for all, as they come in the same order.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._kept: dict[int, Sound] = {}
        self._room = _KEPT_SAMPLES

    def read(self, number: int) -> Sound:
        """Returns a target."""
        if number in self._kept:
            return self._kept[number]
        sound = read_sound(self._files[number])
        if len(sound.wave) <= self._room:
            self._kept[number] = sound
            self._room -= len(sound.wave)
        return sound


def _seen(trained: TrainedModel, sound: Sound) -> Spectrogram:
    return spectrogram(sound, trained.representation.sample_rate)


def _said(path: Path, what: str, sound: Sound) -> str:
    return " ".join([f"{path}:", what, sound.note]).rstrip()
