"""Sounds of one's own, made into clips like those that a model knows."""

import io

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from lightning_app.errors import RunError
from modules.audio.resample import resampled

# A sound begins where it first comes to a hundredth of its peak: what a recording has before is silence.
_BEGINS_AT = 0.01
_LEAST_SECONDS = 0.1


def read_sound(content: bytes, name: str) -> tuple[NDArray[np.float32], int]:
    """Reads a file of audio, its channels mixed.

    Args:
        content: The file, of a format that libsndfile reads: WAV, FLAC, OGG, MP3 or AIFF.
        name: Name of the file, for the message.

    Returns:
        The audio, (n_samples,), and its sample rate in Hz.

    Raises:
        RunError: It is no such file.
    """
    try:
        audio, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise RunError(f"{name} is no audio that can be read; give WAV, FLAC, OGG, MP3 or AIFF.") from error
    return audio.mean(axis=1), rate


def as_clip(
    audio: NDArray[np.float32], rate: int, name: str, *, sample_rate: int, n_samples: int, peak: float
) -> NDArray[np.float32]:
    """Makes a clip of a sound: from its beginning on, at a sample rate, of a length, and with a peak.

    Args:
        audio: The sound, (n,).
        rate: Its sample rate, in Hz.
        name: What it is called in messages.
        sample_rate: Sample rate of the clip, in Hz.
        n_samples: Length of the clip; a shorter sound is followed by silence.
        peak: The greatest magnitude in the clip.

    Returns:
        The clip, (n_samples,).

    Raises:
        RunError: The sound is silent, shorter than a tenth of a second, or has values that are no numbers.

    >>> as_clip(np.array([0.0] * 50 + [0.5] * 950, np.float32), 1000, "tone", sample_rate=1000, n_samples=4, peak=1.0)
    array([1., 1., 1., 1.], dtype=float32)
    """
    if not np.isfinite(audio).all():
        raise RunError(f"{name} has values that are no numbers; export it again.")
    loudest = float(np.abs(audio).max(initial=0.0))
    if loudest == 0.0:
        raise RunError(f"{name} is silent; choose another sound, or check the microphone.")
    audio = audio[np.flatnonzero(np.abs(audio) >= _BEGINS_AT * loudest)[0] :]
    if len(audio) < _LEAST_SECONDS * rate:
        raise RunError(f"{name} lasts {len(audio) / rate:.2f} s; give a sound of {_LEAST_SECONDS} s or more.")
    # A little more than the clip, so that the filter of resampling meets no edge within it.
    audio = audio[: int(np.ceil((n_samples / sample_rate + 0.1) * rate))]
    clip = resampled(torch.from_numpy(np.ascontiguousarray(audio))[None], rate, sample_rate)[0].numpy()[:n_samples]
    clip = np.pad(clip, (0, n_samples - len(clip)))
    return (clip * (peak / np.abs(clip).max())).astype(np.float32)
