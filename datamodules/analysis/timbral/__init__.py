"""How bright and how deep a listener finds a sound, predicted from the audio.

Both attributes are the linear regressions of the AudioCommons timbral models 0.4.0 (Pearce et al., Deliverable D5.8,
Apache 2.0), written anew: the same values in a fraction of the time, and both from one preparation of the audio.
"""

from numpy.typing import NDArray

from datamodules.analysis.timbral.brightness import brightness_of
from datamodules.analysis.timbral.depth import depth_of
from datamodules.analysis.timbral.preparation import prepare

VERSION = "1"
"""Keys stored tables of attributes. Change it with every change that moves a value."""

RESOLUTION = 0.1
"""Difference, in points, up to which two values are the same: rounding the samples to 16 bits, or adding up in the
order of another processor's kernels, moves an attribute by less."""

__all__ = ["RESOLUTION", "VERSION", "brightness", "depth", "timbral_attributes"]


def brightness(audio: NDArray, sample_rate: int) -> float:
    """Returns the apparent brightness of a sound.

    Args:
        audio: Samples of shape (n_samples,) or (n_samples, n_channels), of any scale; only ratios matter.
        sample_rate: Sample rate in Hz, 1000 or more.

    Returns:
        Brightness in points, about 0 (dull) to 100 (bright), not clipped.

    Raises:
        DataError: The audio is empty, silent, too short or not finite, or the arguments are no audio.

    >>> import numpy as np
    >>> from scipy.signal import chirp
    >>> time = np.arange(16_000) / 16_000
    >>> round(brightness(chirp(time, 100, 1, 200), 16_000)), round(brightness(chirp(time, 3000, 1, 6000), 16_000))
    (25, 81)
    """
    return brightness_of(prepare(audio, sample_rate))


def depth(audio: NDArray, sample_rate: int) -> float:
    """Returns the apparent depth of a sound.

    Args:
        audio: Samples of shape (n_samples,) or (n_samples, n_channels), of any scale; only ratios matter.
        sample_rate: Sample rate in Hz, 1000 or more.

    Returns:
        Depth in points, about 0 (shallow) to 100 (deep), not clipped.

    Raises:
        DataError: The audio is empty, silent, too short or not finite, or the arguments are no audio.

    >>> import numpy as np
    >>> from scipy.signal import chirp
    >>> time = np.arange(16_000) / 16_000
    >>> round(depth(chirp(time, 100, 1, 200), 16_000)), round(depth(chirp(time, 3000, 1, 6000), 16_000))
    (66, 8)
    """
    return depth_of(prepare(audio, sample_rate))


def timbral_attributes(audio: NDArray, sample_rate: int) -> dict[str, float]:
    """Returns `brightness` and `depth` by name, in one go.

    Args:
        audio: Samples of shape (n_samples,) or (n_samples, n_channels), of any scale; only ratios matter.
        sample_rate: Sample rate in Hz, 1000 or more.

    Raises:
        DataError: The audio is empty, silent, too short or not finite, or the arguments are no audio.

    >>> import numpy as np
    >>> sorted(timbral_attributes(np.random.default_rng(0).normal(size=16_000), 16_000))
    ['brightness', 'depth']
    """
    prepared = prepare(audio, sample_rate)
    return {"brightness": brightness_of(prepared), "depth": depth_of(prepared)}
