"""WAV files of examples, and media in W&B."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from lightning import Trainer
from lightning.pytorch.loggers import WandbLogger

from lightning_app.files import whole_file


def save_wav(path: Path, wave: np.ndarray, rate: int) -> Path:
    """Writes mono audio, (n_samples,), at a sample rate in Hz; too loud a wave is brought to full scale."""
    # A quiet clip stays quiet.
    wave = wave / max(1.0, float(np.abs(wave).max()))
    with whole_file(path) as draft:
        soundfile.write(draft, wave, rate)
    return path


def log_media(trainer: Trainer, name: str, pictures: Mapping[str, Path], sounds: Mapping[str, Path], rate: int) -> None:
    """Logs pictures and sounds, by what they show, to W&B, if the run has such a logger."""
    part = "test" if name == "test" else "train"
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            for title, picture in pictures.items():
                logger.log_image(f"{part}/{title}", [str(picture)], caption=[name])
            logger.log_audio(
                f"{part}/audio",
                [str(path) for path in sounds.values()],
                caption=list(sounds),
                sample_rate=[rate] * len(sounds),
            )
