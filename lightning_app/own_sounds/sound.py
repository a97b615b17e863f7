"""A sound of one's own, and where it comes from: a file of any format, or an array."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from lightning_app.errors import RunError

_LEAST_SECONDS = 0.1


@dataclass(frozen=True)
class Sound:
    """One channel of audio.

    Attributes:
        wave: The samples, (n,), float32.
        rate: Sample rate, in Hz.
        name: What it is called in messages, like the name of its file.
        note: What a listener has to know of it; empty where there is nothing to say.
    """

    wave: NDArray[np.float32]
    rate: int
    name: str = "the sound"
    note: str = ""

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.wave) / self.rate

    def __str__(self) -> str:
        return f"{self.name} ({self.seconds:.1f} s, {self.rate:,} Hz)"

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes the sound, as WAV or FLAC by the ending of the path, whole or not at all.

        Args:
            path: Path of the file.
            overwrite: Whether a file that is there is replaced.

        Returns:
            The path.

        Raises:
            RunError: There is such a file, or the ending is another.
        """
        # Not above: that module knows this one.
        from lightning_app.own_sounds.output import refuse_to_overwrite, write_sound

        path = Path(path).expanduser()
        if not overwrite:
            refuse_to_overwrite([path])
        write_sound(path, self)
        return path


SoundLike = Sound | str | Path | NDArray[np.floating]
"""A sound, the path of its file, or samples, (n,), at the sample rate of the model."""


def as_sound(given: SoundLike, rate: int) -> Sound:
    """Returns a sound of whatever it is given as.

    Args:
        given: The sound.
        rate: Sample rate of bare samples, in Hz.

    Raises:
        RunError: It cannot be read, or is no sound.
    """
    if isinstance(given, Sound):
        return checked(given)
    if isinstance(given, str | Path):
        return read_sound(Path(given).expanduser())
    wave = np.asarray(given, np.float32)
    if wave.ndim != 1:
        raise RunError(f"the samples have the shape {wave.shape}; give one channel, (n,).")
    return checked(Sound(wave, rate))


def read_sound(file: Path | bytes, name: str | None = None) -> Sound:
    """Reads a sound, its channels mixed.

    Args:
        file: A file of a format that libsndfile reads, such as WAV, FLAC, OGG, MP3 or AIFF, or its content.
        name: What the sound is called; by default the name of the file.

    Raises:
        RunError: It is no such file, or holds no sound; the message says which and why.
    """
    name = name or (file.name if isinstance(file, Path) else "the sound")
    try:
        opened = io.BytesIO(file) if isinstance(file, bytes) else file
        audio, rate = soundfile.read(opened, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError) as error:
        if isinstance(file, Path) and file.is_dir():
            raise RunError(f"{file} is a folder; name a file.") from error
        if isinstance(file, Path) and not file.is_file():
            raise RunError(f"there is no file {file}.") from error
        if isinstance(file, Path) and not os.access(file, os.R_OK):
            raise RunError(f"{name} may not be read; change its permissions.") from error
        raise RunError(f"{name} is no audio that can be read; give WAV, FLAC, OGG, MP3 or AIFF.") from error
    return checked(Sound(audio.mean(axis=1), rate, name))


def checked(sound: Sound) -> Sound:
    """Returns a sound that can be heard.

    Raises:
        RunError: It is silent, shorter than a tenth of a second, or has values that are no numbers.
    """
    if not np.isfinite(sound.wave).all():
        raise RunError(f"{sound.name} has values that are no numbers; export it again.")
    if not len(sound.wave):
        raise RunError(f"{sound.name} is empty; choose another sound.")
    if not sound.wave.any():
        raise RunError(f"{sound.name} is silent; choose another sound, or check the microphone.")
    if sound.seconds < _LEAST_SECONDS:
        raise RunError(f"{sound.name} lasts {sound.seconds:.2f} s; give a sound of {_LEAST_SECONDS} s or more.")
    return sound
