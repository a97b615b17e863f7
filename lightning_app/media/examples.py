"""WAV files of examples."""

from pathlib import Path

import numpy as np

from datamodules.storage.sound_bytes import sound_bytes
from lightning_app.files import whole_file


def save_wav(path: Path, wave: np.ndarray, rate: int) -> Path:
    """Writes mono audio, (n_samples,), at a sample rate in Hz; too loud a wave is brought to full scale."""
    # A quiet clip stays quiet.
    wave = wave / max(1.0, float(np.abs(wave).max()))
    with whole_file(path) as draft:
        draft.write_bytes(sound_bytes(wave, rate))
    return path
