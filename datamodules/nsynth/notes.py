"""The audio of NSynth's notes, read one at a time."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from datamodules.errors import DataError


@dataclass(frozen=True)
class NoteFormat:
    """What the audio of every note is like.

    Attributes:
        sample_rate: Sample rate, in Hz.
        n_samples: Length, in samples.

    Raises:
        DataError: A number below 1.
    """

    sample_rate: int = 16_000
    n_samples: int = 64_000

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise DataError(f"{name} is {value}; it must be 1 or more.", argument=name)


def read_note(path: Path, form: NoteFormat) -> NDArray[np.float32]:
    """Reads a note's WAV.

    Args:
        path: Path of the file.
        form: The sample rate and the length that it must have.

    Returns:
        Mono audio in [-1, 1], shape (n_samples,).

    Raises:
        DataError: A file that cannot be read, is cut short, has another rate, length or number of channels, or holds
            NaN or infinite samples.
    """
    try:
        audio, rate = soundfile.read(path, dtype="float32")
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path} cannot be read ({error}); unpack NSynth again.") from error
    if rate != form.sample_rate or audio.shape != (form.n_samples,):
        raise DataError(
            f"{path} has {len(audio)} samples of {audio.ndim if audio.ndim == 1 else audio.shape[1]} channel(s) at "
            f"{rate} Hz; expected {form.n_samples} of 1 at {form.sample_rate} Hz. It was cut short or is not NSynth's: "
            "unpack NSynth again."
        )
    if not np.isfinite(audio).all():
        raise DataError(f"{path} holds NaN or infinite samples; unpack NSynth again.")
    return audio


def check_note(path: Path, form: NoteFormat) -> str | None:
    """Says what is wrong with a note's file, going by its header and its size; None where nothing is."""
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError) as error:
        return f"{path} cannot be read ({error})"
    if (info.samplerate, info.frames, info.channels) != (form.sample_rate, form.n_samples, 1):
        return (
            f"{path} has {info.frames} samples of {info.channels} channel(s) at {info.samplerate} Hz; expected "
            f"{form.n_samples} of 1 at {form.sample_rate} Hz"
        )
    return None
