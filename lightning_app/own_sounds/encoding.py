"""Encodes sounds: what a model's ``predict_step`` tells of each segment, or of each whole sound."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from lightning_app.errors import UsageError
from lightning_app.own_sounds.hearing import at_model, whole
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.trained_model import TrainedModel, hears_any_length, predicting

_N_AT_ONCE = 32


@dataclass(frozen=True)
class Segment:
    """A part of a sound, and its latents.

    Attributes:
        file: Name of the sound.
        start_seconds: Where it begins in the sound.
        seconds: Its length in the sound; silence fills the last one of a sound up.
        latents: What the model tells, by name, like ``v_mean`` (V,) and ``z_mean`` (T, Z) of a DSAE.
    """

    file: str
    start_seconds: float
    seconds: float
    latents: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Encodings:
    """The latents of segments of sounds, n in all.

    Attributes:
        files: Name of the sound of each, (n,).
        start_seconds: Where each begins in its sound, (n,).
        seconds: Length of each, (n,).
        latents: What the model tells of each, by name: (n, ...), or a list of n arrays where they differ in length.
    """

    files: list[str]
    start_seconds: NDArray[np.float64]
    seconds: NDArray[np.float64]
    latents: dict[str, NDArray[np.float32] | list[NDArray[np.float32]]] = field(repr=False)

    @classmethod
    def of(cls, segments: Iterable[Segment]) -> "Encodings":
        """Puts segments together."""
        rows = list(segments)
        latents: dict[str, NDArray[np.float32] | list[NDArray[np.float32]]] = {}
        for name in rows[0].latents if rows else ():
            values = [row.latents[name] for row in rows]
            latents[name] = np.stack(values) if len({one.shape for one in values}) == 1 else values
        starts, seconds = (np.array(column) for column in ([r.start_seconds for r in rows], [r.seconds for r in rows]))
        return cls([row.file for row in rows], starts, seconds, latents)


def check_lengths(trained: TrainedModel, seconds: float | None, whole_files: bool) -> None:
    """Checks that a model can be asked for encodings of these lengths.

    Args:
        trained: The model.
        seconds: Length of the segments; None takes that of the clips that the model was trained on.
        whole_files: Whether each sound is encoded as one.

    Raises:
        RunError: The model does not encode.
        UsageError: It hears clips of one length alone, or both are asked for.
    """
    predicting(trained.model)
    if seconds is not None and whole_files:
        raise UsageError("--seconds and --whole_files contradict each other; leave one of them out.")
    option = "--whole_files" if whole_files else "--seconds"
    if (whole_files or seconds is not None) and not hears_any_length(trained):
        length = trained.n_samples / trained.representation.sample_rate
        raise UsageError(
            f"{type(trained.model).__name__} hears clips of {length:g} s and no others; leave out {option}."
        )
    if seconds is not None and seconds * trained.representation.sample_rate < 1:
        raise UsageError(f"--seconds {seconds:g}: there is no sound as short as this; give a longer time.")


def encoded(
    trained: TrainedModel, sounds: Iterable[Sound], *, seconds: float | None = None, whole_files: bool = False
) -> Iterator[Segment]:
    """Encodes sounds one after the other.

    Args:
        trained: The model.
        sounds: The sounds.
        seconds: Length of the segments; None takes that of the clips that the model was trained on.
        whole_files: Whether each sound is encoded as one.

    Raises:
        RunError: See `check_lengths`; and where a sound cannot be heard.
    """
    check_lengths(trained, seconds, whole_files)
    rate = trained.representation.sample_rate
    for sound in sounds:
        wave = at_model(trained, sound)
        length = len(wave) if whole_files else trained.n_samples if seconds is None else round(seconds * rate)
        for first in range(0, len(wave), length * _N_AT_ONCE):
            clips = _cut(wave[first : first + length * _N_AT_ONCE], length)
            latents = _predicted(trained, clips)
            for number in range(len(clips)):
                start = first + number * length
                yield Segment(
                    sound.name,
                    start / rate,
                    min(length, len(wave) - start) / rate,
                    {name: values[number] for name, values in latents.items()},
                )


def _cut(wave: Tensor, length: int) -> Tensor:
    n = -(-len(wave) // length)
    return pad(wave, (0, n * length - len(wave))).reshape(n, length)


@torch.inference_mode()
def _predicted(trained: TrainedModel, clips: Tensor) -> dict[str, NDArray[np.float32]]:
    if clips.shape[1] == trained.n_samples:
        x = trained.representation(clips)
    else:
        x = torch.cat([whole(trained.representation, clip) for clip in clips])
    outputs = trained.model.predict_step({"x": x, "index": torch.arange(len(clips))}, 0)
    return {name: values.cpu().numpy() for name, values in outputs.items()}
