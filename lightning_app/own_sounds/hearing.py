"""Plays a sound of any length to a model, and makes audible what it makes of it.

A model that hears sequences of any length (`modules.protocols.AnyLength`) hears the whole sound at once. Others hear
windows as long as their clips, which overlap by half. Where they hear sequences of frames, what they decode fades from
window to window as frames, and becomes audio as one sequence. Where they hear pictures, the audio of the windows fades;
it has the phase of the sound, if the representation can take that, so that overlapping windows agree.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.trained_model import TrainedModel, hears_any_length
from lightning_app.own_sounds.windows import OverlapAdd, window_starts
from modules.audio.representation import Frames, Representation
from modules.audio.resample import resampled
from modules.seeding import seeded

_N_AT_ONCE = 8


def at_model(trained: TrainedModel, sound: Sound) -> Tensor:
    """Brings a sound to the sample rate of a model, and to the level of the clips that it was trained on; (n,)."""
    wave = resampled(torch.from_numpy(sound.wave)[None], sound.rate, trained.representation.sample_rate)[0]
    return wave * (trained.usual_peak / wave.abs().max().clamp(min=1e-12))


def heard_as_one(trained: TrainedModel, wave: Tensor) -> Tensor:
    """Returns the one input, (1, ...), that stands for a sound: all of it, or the loudest of its windows.

    Args:
        trained: The model, which decides by whether it hears sequences of any length.
        wave: The sound at the model's rate and level, (n,).
    """
    if hears_any_length(trained):
        return whole(trained.representation, wave)
    padded = _at_least_a_clip(trained, wave)
    starts = window_starts(len(padded), trained.n_samples)
    levels = [float(padded[start : start + trained.n_samples].square().sum()) for start in starts]
    start = starts[int(np.argmax(levels))]
    return trained.representation(padded[None, start : start + trained.n_samples])


def whole(representation: Representation, wave: Tensor) -> Tensor:
    """Represents a sound, (n,), as one sequence of frames, (1, n_frames, ...).

    Silence fills its last frame, and a window if it is shorter than that.
    """
    frames = _frames_of(representation)
    n_hops = math.ceil(max(len(wave), frames.length + 1) / frames.hop_length)
    return representation(pad(wave, (0, n_hops * frames.hop_length - len(wave)))[None])


@torch.inference_mode()
def made_audible(
    trained: TrainedModel, wave: Tensor, make: Callable[[Tensor], Tensor], seed: int
) -> NDArray[np.float32]:
    """Plays a sound to a model and makes audible what it makes of it.

    Args:
        trained: The model.
        wave: The sound at the model's rate and level, (n,).
        make: Takes what the model hears, (B, ...), to what it makes of it, of the same shape.
        seed: Seed of phases that have to be guessed.

    Returns:
        Audio at the model's rate, (n,).
    """
    with seeded(seed):
        if hears_any_length(trained):
            made = _audio(trained.representation, make(whole(trained.representation, wave)))
        elif trained.representation.frames is not None:
            made = _faded_as_frames(trained, wave, make)
        else:
            made = _faded_as_audio(trained, wave, make)
    return made[: len(wave)].numpy()


def _audio(representation: Representation, x: Tensor) -> Tensor:
    """Makes a sequence of frames, (1, n_frames, ...), audible: (n,)."""
    return representation.inverse(x, (x.shape[1] - 1) * _frames_of(representation).hop_length)[0]


def _faded_as_frames(trained: TrainedModel, wave: Tensor, make: Callable[[Tensor], Tensor]) -> Tensor:
    hop_length = _frames_of(trained.representation).hop_length
    # A window gives audio up to its last whole hop, where its last frame is centred.
    n_hops = trained.n_samples // hop_length
    n_more_hops = math.ceil(max(0, len(wave) - n_hops * hop_length) / hop_length)
    n = trained.n_samples + n_more_hops * hop_length
    faded = OverlapAdd(n_more_hops + n_hops + 1)
    for start, clips in _windows(trained, pad(wave, (0, n - len(wave)))[:n], hop_length):
        for position, frames in zip(start, make(trained.representation(clips)), strict=True):
            faded.add(position // hop_length, frames)
    return _audio(trained.representation, faded.result()[None])


def _faded_as_audio(trained: TrainedModel, wave: Tensor, make: Callable[[Tensor], Tensor]) -> Tensor:
    padded = _at_least_a_clip(trained, wave)
    faded = OverlapAdd(len(padded))
    for start, clips in _windows(trained, padded):
        made = trained.representation.inverse(make(trained.representation(clips)), trained.n_samples, like=clips)
        for position, audio in zip(start, made, strict=True):
            faded.add(position, audio)
    return faded.result()


def _windows(trained: TrainedModel, wave: Tensor, multiple_of: int = 1) -> Iterator[tuple[list[int], Tensor]]:
    """Batches of where windows begin, and of their audio, (B, n_samples)."""
    starts = window_starts(len(wave), trained.n_samples, multiple_of=multiple_of)
    for first in range(0, len(starts), _N_AT_ONCE):
        batch = starts[first : first + _N_AT_ONCE]
        yield batch, torch.stack([wave[start : start + trained.n_samples] for start in batch])


def _at_least_a_clip(trained: TrainedModel, wave: Tensor) -> Tensor:
    return pad(wave, (0, max(0, trained.n_samples - len(wave))))


def _frames_of(representation: Representation) -> Frames:
    assert representation.frames is not None, "a representation that is no sequence of frames"
    return representation.frames
