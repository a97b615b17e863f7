"""Whether sounds that were made from a source keep its melody."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metrics.functional import raw_pitch_accuracy
from modules.audio.pitch import pitch_contours
from modules.audio.representation import Representation
from modules.seeding import seeded


class Heard(NamedTuple):
    """Sounds and their pitch."""

    audio: NDArray[np.float32]
    """Shape (n, n_samples)."""
    median_hz: list[float | None]
    """Median pitch of each over its voiced frames; None where it has none."""
    accuracy: list[float | None]
    """Raw pitch accuracy of each against the melody of the first; None where the first has no voiced frame."""


def listen(x: Tensor, representation: Representation, n_samples: int, octaves: Sequence[int], seed: int) -> Heard:
    """Makes audio from spectrograms or the like, and compares its pitch by CREPE with that of the first, the source.

    The source is made from its spectrogram as well, so that what this loses is lost on both sides.

    Args:
        x: What a model hears or makes, (n, ...); the source first.
        representation: What that is, and the way back to audio.
        n_samples: Length of the audio.
        octaves: How many octaves above the source the melody of each is expected, n numbers.
        seed: Seed of the phases of the audio.
    """
    with seeded(seed):
        audio = representation.inverse(x, n_samples)
    contours = pitch_contours(audio, representation.sample_rate, model="tiny")
    voiced = contours.voiced()
    melody = torch.where(voiced[0], contours.hz[0], 0.0)
    medians = [hz[mask].median().item() if mask.any() else None for hz, mask in zip(contours.hz, voiced, strict=True)]
    accuracy = [
        raw_pitch_accuracy(hz[None], melody[None] * 2.0**shift).item() if voiced[0].any() else None
        for hz, shift in zip(contours.hz, octaves, strict=True)
    ]
    return Heard(audio.numpy(), medians, accuracy)
