"""The audio of NSynth's notes, read one at a time."""

from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.errors import DataError
from datamodules.nsynth.index import NSynthIndex
from modules.audio.log_magnitude import LogMagnitudeSpec


def read_note(path: Path, spec: LogMagnitudeSpec) -> NDArray[np.float32]:
    """Reads a note's WAV.

    Args:
        path: Of the file.
        spec: Has the sample rate and the length that it must have.

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
    if rate != spec.sample_rate or audio.shape != (spec.n_samples,):
        raise DataError(
            f"{path} has {len(audio)} samples of {audio.ndim if audio.ndim == 1 else audio.shape[1]} channel(s) at "
            f"{rate} Hz; expected {spec.n_samples} of 1 at {spec.sample_rate} Hz. It was cut short or is not NSynth's: "
            "unpack NSynth again."
        )
    if not np.isfinite(audio).all():
        raise DataError(f"{path} holds NaN or infinite samples; unpack NSynth again.")
    return audio


def check_note(path: Path, spec: LogMagnitudeSpec) -> str | None:
    """Says what is wrong with a note's file, going by its header and its size; None where nothing is."""
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError) as error:
        return f"{path} cannot be read ({error})"
    if (info.samplerate, info.frames, info.channels) != (spec.sample_rate, spec.n_samples, 1):
        return (
            f"{path} has {info.frames} samples of {info.channels} channel(s) at {info.samplerate} Hz; expected "
            f"{spec.n_samples} of 1 at {spec.sample_rate} Hz"
        )
    return None


class NSynthNotes(Dataset[dict[str, Tensor]]):
    """The notes of an index.

    Each item has ``audio`` (n_samples,), ``index`` (its row in the split's whole index), ``attributes`` (M,), and
    ``family``, ``source``, ``pitch`` and ``velocity``.

    Args:
        index: The notes.
        rows: Their rows in the split's whole index, shape (n,).
        attributes: Of each note, float32 of shape (n, M).
        spec: Has the sample rate and the length that files must have.
    """

    def __init__(
        self, index: NSynthIndex, rows: NDArray[np.integer], attributes: NDArray[np.float32], spec: LogMagnitudeSpec
    ) -> None:
        self.index = index
        self.rows = rows
        self.attributes = attributes
        self.spec = spec

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        known = {name: int(getattr(self.index, name)[item]) for name in ("family", "source", "pitch", "velocity")}
        return {
            "audio": torch.from_numpy(read_note(self.index.path(item), self.spec)),
            "index": torch.tensor(int(self.rows[item])),
            "attributes": torch.from_numpy(self.attributes[item]),
            **{name: torch.tensor(value) for name, value in known.items()},
        }
