"""One file of audio: what its header tells, and any stretch of it at any sample rate."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from datamodules.errors import DataError


@dataclass(frozen=True)
class Recording:
    """A file of audio.

    Attributes:
        path: Path of the file.
        name: Name that tells it from the others of its set.
        format: How it is coded, in libsndfile's word, like FLAC.
        rate: Sample rate in Hz.
        n_channels: Number of its channels.
        n_samples: Length, at its own rate.
        state: Size and time of modification of the file, which tell whether it has changed.
    """

    path: Path
    name: str
    format: str
    rate: int
    n_channels: int
    n_samples: int
    state: tuple[int, int]

    @classmethod
    def at(cls, path: Path, name: str) -> "Recording":
        """Reads the header of a file.

        Raises:
            DataError: It cannot be read, or holds no samples.
        """
        try:
            state = _state(path)
            with _opened(path) as file:
                recording = cls(path, name, file.format, file.samplerate, file.channels, file.frames, state)
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot read {path}: {_why(error)}") from error
        if not recording.n_samples:
            raise DataError(f"{path} holds no samples")
        return recording

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.rate

    def length(self, rate: int) -> int:
        """Returns the number of samples that it has at another rate."""
        return math.ceil(self.n_samples * rate / self.rate)

    def audio(self, rate: int, start: int, stop: int) -> NDArray[np.float32]:
        """Reads a stretch of it, mixed to mono and resampled: the same samples whichever stretch is asked for.

        Args:
            rate: Sample rate that it is brought to, in Hz.
            start: First sample, at this rate. What lies before the beginning is silence.
            stop: End, exclusive, at this rate. What lies after the end is silence.

        Returns:
            As in the file, without normalisation; shape (stop - start,).

        Raises:
            DataError: The file cannot be read, is cut short, holds NaN or infinite samples, or is another than that
                whose header was read.
        """
        # Not above: those who look at files alone do not wait for torch.
        import torch

        from modules.audio.resample import REACH, resampled

        first, last = max(start, 0), min(stop, self.length(rate))
        if last <= first:
            return np.zeros(stop - start, np.float32)
        # Begin where samples of both rates coincide, so that all stretches are the whole's.
        common = math.gcd(self.rate, rate)
        step_in, step_out = self.rate // common, rate // common
        margin = 1 + math.ceil(REACH * max(1.0, self.rate / rate))
        block = max(0, first // step_out - math.ceil(margin / step_in))
        end = min(self.n_samples, math.ceil(last * self.rate / rate) + margin)
        samples = torch.from_numpy(self._read(block * step_in, end))
        part = resampled(samples[None], self.rate, rate)[0].numpy()
        part = part[first - block * step_out : last - block * step_out]
        return np.pad(part, (first - start, stop - last))

    def blocks(self, n_samples: int) -> Iterator[NDArray[np.float32]]:
        """Yields it from beginning to end, with all its channels: each (n_samples, n_channels), the last shorter.

        Raises:
            DataError: The file cannot be read, is cut short, or is another than that whose header was read.
        """
        n_read = 0
        try:
            with _opened(self.path) as file:
                while len(block := file.read(n_samples, dtype="float32", always_2d=True)):
                    n_read += len(block)
                    yield block
            self._check_unchanged()
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot read {self.path}: {_why(error)}. Replace it, or take it out.") from error
        # The header of an MP3 may hold no length, or that of another part of it.
        if n_read < self.n_samples and self.format != "MP3":
            raise DataError(f"{self.path} is cut short. Replace it, or take it out.")

    def _read(self, start: int, stop: int) -> NDArray[np.float32]:
        try:
            self._check_unchanged()
            # Opened anew for each stretch: behind others, libsndfile does not find the same samples in Vorbis and MP3.
            with _opened(self.path) as file:
                file.seek(start)
                channels = file.read(stop - start, dtype="float32", always_2d=True)
            self._check_unchanged()
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot read {self.path}: {_why(error)}. Replace it, or take it out.") from error
        if len(channels) != stop - start:
            raise DataError(f"{self.path} is cut short. Replace it, or take it out.")
        mono: NDArray[np.float32] = channels.mean(axis=1)
        if not np.isfinite(mono).all():
            raise DataError(f"{self.path} holds NaN or infinite samples. Replace it, or take it out.")
        return mono

    def _check_unchanged(self) -> None:
        if _state(self.path) != self.state:
            raise DataError(f"{self.path} changed while it was read; run again when nothing writes to it.")


def _opened(path: Path) -> Any:
    # As bytes: a name need not be text in the system's encoding.
    return soundfile.SoundFile(os.fsencode(path))


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _why(error: Exception) -> str:
    """The reason alone; the libraries' own messages name the file again."""
    reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).strip().rstrip(".") or "it is damaged"
