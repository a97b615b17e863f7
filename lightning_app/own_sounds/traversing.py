"""Moves one attribute of a sound through a range."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datamodules import DataError
from datamodules.clips.attributes import TIMBRAL
from lightning_app.errors import RunError, did_you_mean
from lightning_app.own_sounds.hearing import at_model, made_audible
from lightning_app.own_sounds.level import like_source
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.trained_model import TrainedModel, regularised
from modules.protocols import Regularised


@dataclass(frozen=True)
class Traversal:
    """A sound with one attribute at P positions.

    Attributes:
        attribute: Name of the attribute.
        positions: Values of its latent dimension, (P,).
        sounds: The sound at each of them.
        measured: The attribute as it is measured on each sound, (P,); NaN for what is not measured on audio.
    """

    attribute: str
    positions: NDArray[np.float64]
    sounds: list[Sound]
    measured: NDArray[np.float64]


def dimension_of(trained: TrainedModel, attribute: str | None) -> tuple[str, int]:
    """Returns an attribute of a model and its latent dimension.

    Args:
        trained: The model.
        attribute: Name of the attribute; None takes the first.

    Raises:
        RunError: The model has no regularised dimensions, or none of that name.
    """
    model = regularised(trained.model)
    known = dict(zip(model.attribute_names, model.regularized_dims, strict=False))
    attribute = next(iter(known)) if attribute is None else attribute
    if attribute not in known:
        raise RunError(
            f"no dimension of this model follows {attribute!r}.{did_you_mean(attribute, known)} There are "
            f"{', '.join(known)}."
        )
    return attribute, known[attribute]


def traverse(
    trained: TrainedModel, sound: Sound, attribute: str, positions: Tensor, *, rate: int | None = None, seed: int = 0
) -> Traversal:
    """Decodes a sound with the dimension of an attribute at each of some positions, and measures the attribute.

    Args:
        trained: The model.
        sound: The sound.
        attribute: Name of the attribute.
        positions: Values of its dimension, (P,), float64.
        rate: Sample rate of the results, in Hz; None takes that of the sound.
        seed: Seed of phases that have to be guessed.

    Raises:
        RunError: See `dimension_of`.
    """
    _, dim = dimension_of(trained, attribute)
    wave, made_rate = at_model(trained, sound), trained.representation.sample_rate
    sounds, measured = [], []
    for position in positions:
        made = made_audible(trained, wave, _moved_to(regularised(trained.model), dim, position.float()), seed)
        name = f"{sound.name} with {attribute} at {float(position):.2f}"
        sounds.append(like_source(made, made_rate, name, sound, length=sound, rate=rate))
        measured.append(_measured(made, made_rate, attribute))
    return Traversal(attribute, positions.numpy(), sounds, np.array(measured))


def _moved_to(model: Regularised, dim: int, position: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: model.traverse(x, dim, position[None])[:, 0]


def _measured(wave: NDArray[np.float32], rate: int, attribute: str) -> float:
    if attribute not in TIMBRAL.columns:
        return float("nan")
    try:
        return TIMBRAL.compute(wave, rate)[attribute]
    except DataError:
        return float("nan")  # silence has no timbre
