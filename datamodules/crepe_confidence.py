"""The confidence of CREPE (Kim et al. 2018): how sure the network is, frame by frame, that it hears a pitch.

It is the largest of the network's 360 outputs, over all pitches and with no smoothing over time.
"""

from importlib.metadata import version as _version

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import DataError

MODELS = ("full", "tiny")
SAMPLE_RATE = 16_000
HOP_LENGTH = 160
"""Step from frame to frame, in samples (10 ms)."""
WINDOW_LENGTH = 1024
"""Of a frame, in samples (64 ms), centred on the frame's time."""
VERSION = f"torchcrepe-{_version('torchcrepe')}"

_FRAMES_AT_ONCE = 128


def check_model(model: str) -> None:
    """Raises DataError where there is no such CREPE model."""
    if model not in MODELS:
        raise DataError(f"data.crepe_model is '{model}'; choose from {', '.join(MODELS)}.")


def frame_confidence(audio: NDArray[np.floating], model: str = "full", *, pad: bool = True) -> NDArray[np.float32]:
    """Returns CREPE's confidence of each frame.

    Args:
        audio: At `SAMPLE_RATE`, shape (n_samples,). Its level does not matter.
        model: One of `MODELS`. On a CPU core, full takes some four times as long as the audio lasts, tiny a quarter.
        pad: Whether silence surrounds the audio, so that frame ``i`` is centred on sample ``i * HOP_LENGTH``. Else the
            audio has half a window more at both ends, and the first frame begins where it begins.

    Returns:
        In [0, 1], shape (1 + n_samples // HOP_LENGTH,), or (1 + (n_samples - WINDOW_LENGTH) // HOP_LENGTH,).

    Raises:
        DataError: There is no such model.
    """
    check_model(model)
    # Not above: it takes seconds to import. It imports torchaudio itself, which must be made to load before.
    from datamodules import _torchaudio  # noqa: F401
    import torchcrepe  # isort: skip

    wave = torch.from_numpy(np.ascontiguousarray(audio, np.float32))[None]
    # Not in inference mode: torchcrepe keeps the network that it loads here, for others in this process too.
    with torch.no_grad():
        batches = torchcrepe.preprocess(wave, SAMPLE_RATE, HOP_LENGTH, batch_size=_FRAMES_AT_ONCE, pad=pad)
        confidence = [torchcrepe.infer(frames, model).amax(dim=1) for frames in batches]
    return torch.cat(confidence).numpy()
