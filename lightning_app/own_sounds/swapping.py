"""Swaps the latents of sounds: what was said of clips, for sounds of any length, level and rate.

A local swap is a global swap the other way round, since both decode the local latents of one sound with the global
latent of another. A model that hears clips of one length alone takes the global latent of a longer sound from its
loudest window, so that it stays the same all through the result.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.own_sounds.hearing import at_model, heard_as_one, made_audible
from lightning_app.own_sounds.level import like_source
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.trained_model import TrainedModel, swappable

Which = Literal["global", "local"]


def swap(
    trained: TrainedModel, source: Sound, target: Sound, which: Which = "global", *, rate: int | None = None,
    seed: int = 0,
) -> Sound:  # fmt: skip
    """Replaces one of the latents of a source by that of a target.

    Args:
        trained: The model.
        source: The source, which gives its level and its rate to the result.
        target: The target.
        which: What is replaced: the global latent, so that the result has the source's length, or the local ones, so
            that it has the target's.
        rate: Another sample rate of the result, in Hz.
        seed: Seed of phases that have to be guessed.

    Raises:
        RunError: The model has no such latents.
    """
    content, style = (source, target) if which == "global" else (target, source)
    made = _decoded(trained, content, style, seed)
    name = f"the {which} swap of {source.name} with {target.name}"
    return like_source(made, trained.representation.sample_rate, name, source, length=content, rate=rate)


def reconstruction(trained: TrainedModel, sound: Sound, *, rate: int | None = None, seed: int = 0) -> Sound:
    """Returns what the model makes of a sound with nothing replaced.

    Args:
        trained: The model.
        sound: The sound.
        rate: Another sample rate of the result, in Hz.
        seed: Seed of phases that have to be guessed.

    Raises:
        RunError: The model has no latents to swap.
    """
    made = _decoded(trained, sound, sound, seed)
    name = f"the reconstruction of {sound.name}"
    return like_source(made, trained.representation.sample_rate, name, sound, length=sound, rate=rate)


def description(trained: TrainedModel, source: Sound, target: Sound, which: Which) -> str:
    """Says in a sentence or two what a swap has done."""
    local, whole = (source, target) if which == "global" else (target, source)
    latents = "global latent" if which == "global" else "local latents"
    said = (
        f"{source} with the {latents} of {target}: what changes with time (of music, the melody) is from {local.name}, "
        f"what stays the same (the instrument) from {whole.name}."
    )
    return " ".join([said, *limits(trained, source), *limits(trained, target)])


def limits(trained: TrainedModel, sound: Sound) -> list[str]:
    """Says what of a sound the model cannot hear, or misses in it."""
    rate = trained.representation.sample_rate
    if sound.rate < rate:
        return [f"{sound.name} has nothing above {sound.rate / 2:,.0f} Hz, and the model knows sounds up to "
                f"{rate / 2:,.0f} Hz."]  # fmt: skip
    return []


@torch.inference_mode()
def _decoded(trained: TrainedModel, content: Sound, style: Sound, seed: int) -> NDArray[np.float32]:
    """Decodes the local latents of one sound with the global latent of another."""
    model = swappable(trained.model)
    wave = at_model(trained, content)
    if style is content:
        return made_audible(trained, wave, lambda x: model.swap(x, x).reconstruction, seed)
    target = heard_as_one(trained, at_model(trained, style))
    return made_audible(
        trained, wave, lambda x: model.swap(x, target.expand(len(x), *target.shape[1:])).global_swap, seed
    )
