"""The level, the length and the sample rate of a result, which are those of the sound that it was made of."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.own_sounds.sound import Sound
from modules.audio.resample import resampled


def like_source(
    made: NDArray[np.float32], made_rate: int, name: str, source: Sound, *, length: Sound, rate: int | None = None
) -> Sound:
    """Makes a sound of what a model made, as loud as the source on the average (RMS).

    Where its peaks would then be above full scale, it is as loud as they allow, and its note says so.

    Args:
        made: Audio of the model, (n,).
        made_rate: Its sample rate, in Hz.
        name: What the result is called.
        source: The sound that tells the level and the sample rate.
        length: The sound that tells the length, to the sample.
        rate: Another sample rate, in Hz.

    >>> source = Sound(np.array([0.2, -0.2], np.float32), 8000)
    >>> like_source(np.array([1.0, 1.0], np.float32), 8000, "louder", source, length=source).wave
    array([0.2, 0.2], dtype=float32)
    """
    rate = rate or source.rate
    wave = resampled(torch.from_numpy(made)[None], made_rate, rate)[0].numpy()
    n = round(len(length.wave) * rate / length.rate)
    wave = np.pad(wave[:n], (0, max(0, n - len(wave))))
    wanted, found = _rms(source.wave), _rms(wave)
    if found == 0.0:
        return Sound(wave, rate, name, "It is silent: that is what the model makes of it.")
    factor = wanted / found
    peak = float(np.abs(wave).max())
    note = ""
    if factor * peak > 1.0:
        lower = 20 * math.log10(factor * peak)
        note = f"It is {lower:.1f} dB softer than {source.name}, so that its peaks do not clip."
        factor = 1.0 / peak
    return Sound((wave * factor).astype(np.float32), rate, name, note)


def _rms(wave: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
