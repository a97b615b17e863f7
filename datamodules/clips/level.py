"""How loud the clips are that a model is trained on."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_N_CLIPS = 16


def usual_peak(audio: Callable[[int], NDArray[np.float32]], indices: NDArray[np.integer]) -> float:
    """Returns the median over the first 16 of some clips of the greatest magnitude in each.

    Args:
        audio: Returns the audio of a clip, (n_samples,), by its number.
        indices: Numbers of the clips, (n,), like those that a model was trained on.

    >>> usual_peak(lambda index: np.array([0.5, -index], np.float32), np.arange(3))
    1.0
    """
    return float(np.median([np.abs(audio(int(index))).max() for index in indices[:_N_CLIPS]]))
