"""The confidence of CREPE (Kim et al. 2018): how sure the network is, frame by frame, that it hears a pitch.

It is the largest of the network's 360 outputs, over all pitches and with no smoothing over time.
"""

from importlib.metadata import version as _version
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray

from modules.audio.crepe import SAMPLE_RATE, Capacity, crepe, crepe_frames, normalised

MODELS = get_args(Capacity)
HOP_LENGTH = SAMPLE_RATE // 100
"""Step from frame to frame, in samples (10 ms)."""
VERSION = f"torchcrepe-{_version('torchcrepe')}"

_FRAMES_AT_ONCE = 128


@torch.no_grad()
def frame_confidence(audio: NDArray[np.floating], model: Capacity = "full", *, pad: bool = True) -> NDArray[np.float32]:
    """Returns CREPE's confidence of each frame.

    Args:
        audio: Mono audio at 16 kHz, shape (n_samples,). Its level does not matter.
        model: One of `MODELS`. On a CPU core, full takes some four times as long as the audio lasts, tiny a quarter.
        pad: Whether silence surrounds the audio, so that frame ``i`` is centred on sample ``i * HOP_LENGTH``. Else the
            audio has half a window more at both ends, and the first frame begins where it begins.

    Returns:
        In [0, 1], shape (1 + n_samples // HOP_LENGTH,), or (1 + (n_samples - WINDOW) // HOP_LENGTH,).

    Raises:
        ModelError: There is no such model, or the audio is empty or not finite.
    """
    network = crepe(model, torch.device("cpu"))
    wave = torch.from_numpy(np.ascontiguousarray(audio, np.float32))[None]
    frames = crepe_frames(wave, 1000 * HOP_LENGTH / SAMPLE_RATE, pad=pad)[0]
    return torch.cat([network(normalised(batch)).amax(dim=1) for batch in frames.split(_FRAMES_AT_ONCE)]).numpy()
