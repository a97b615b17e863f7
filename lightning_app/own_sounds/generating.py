"""Draws sounds from the prior of a model."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.own_sounds.hearing import at_model, heard_as_one
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.trained_model import TrainedModel, generative
from modules.protocols import LocalLatents
from modules.seeding import seeded


def generate(
    trained: TrainedModel,
    number: int,
    *,
    reference: Sequence[Tensor] | None = None,
    v: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> list[Sound]:
    """Draws sounds, as long as the clips that the model was trained on and at their sample rate.

    Args:
        trained: The model.
        number: Number of sounds.
        reference: What the model hears of the sounds whose priors are drawn from, each (1, ...), in turn; for a model
            whose sounds have one each.
        v: Global latents, (number, V), in the place of those of the model's prior; the model then has `LocalLatents`.
        seed: Seed of the draw, and of phases that have to be guessed.

    Raises:
        RunError: The model has no prior that can be drawn from.
        ModelError: It needs sounds to draw from.
    """
    model = generative(trained.model)
    sounds = []
    with seeded(seed), torch.inference_mode():
        for n in range(number):
            if v is None:
                x = model.generate(1, reference=None if reference is None else reference[n % len(reference)])
            else:
                z = cast(LocalLatents, model).draw_local(1)
                x = cast(LocalLatents, model).decode(z, torch.from_numpy(v[n : n + 1]).to(z))
            wave = trained.representation.inverse(x, trained.n_samples)[0].numpy()
            # Louder than full scale it would clip; how loud it is otherwise is part of what is drawn.
            wave /= max(1.0, float(np.abs(wave).max(initial=0.0)))
            sounds.append(Sound(wave, trained.representation.sample_rate, f"sample {n + 1}"))
    return sounds


def references(trained: TrainedModel, sounds: Sequence[Sound]) -> list[Tensor]:
    """Returns what a model hears of sounds whose priors are to be drawn from, each (1, ...)."""
    with torch.inference_mode():
        return [heard_as_one(trained, at_model(trained, sound)) for sound in sounds]
