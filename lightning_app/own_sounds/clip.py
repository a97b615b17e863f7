"""A sound of one's own as a clip like those that a model knows."""

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.own_sounds.sound import Sound, checked
from modules.audio.resample import resampled

# A sound begins where it first comes to a hundredth of its peak: what a recording has before is silence.
_BEGINS_AT = 0.01


def as_clip(sound: Sound, *, sample_rate: int, n_samples: int, peak: float) -> NDArray[np.float32]:
    """Makes a clip of a sound: from its beginning on, at a sample rate, of a length, and with a peak.

    Args:
        sound: The sound.
        sample_rate: Sample rate of the clip, in Hz.
        n_samples: Length of the clip; a shorter sound is followed by silence.
        peak: The greatest magnitude in the clip.

    Returns:
        The clip, (n_samples,).

    Raises:
        RunError: The sound is silent, shorter than a tenth of a second, or has values that are no numbers.

    >>> tone = Sound(np.array([0.0] * 50 + [0.5] * 950, np.float32), 1000, "tone")
    >>> as_clip(tone, sample_rate=1000, n_samples=4, peak=1.0)
    array([1., 1., 1., 1.], dtype=float32)
    """
    audio = np.abs(checked(sound).wave)
    first = int(np.flatnonzero(audio >= _BEGINS_AT * audio.max())[0])
    begun = checked(Sound(sound.wave[first:], sound.rate, sound.name))
    # A little more than the clip, so that the filter of resampling meets no edge within it.
    audio = begun.wave[: int(np.ceil((n_samples / sample_rate + 0.1) * sound.rate))]
    clip = resampled(torch.from_numpy(np.ascontiguousarray(audio))[None], sound.rate, sample_rate)[0].numpy()
    clip = np.pad(clip[:n_samples], (0, max(0, n_samples - len(clip))))
    return (clip * (peak / np.abs(clip).max())).astype(np.float32)
