"""Data sets from outside this project, as small as can be, importable in worker processes."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules import ClipSource, DataError

RATE = 16_000
N_SAMPLES = 4000


class Plain(ClipSource):
    """All that a data set has to say."""

    name, sample_rate, n_samples = "plain", RATE, N_SAMPLES

    def __len__(self) -> int:
        return 10

    def key(self) -> dict[str, Any]:
        return {}

    def audio(self, index: int) -> NDArray[np.float32]:
        return np.sin(np.arange(N_SAMPLES) * 0.05 * (index + 1)).astype(np.float32)


@dataclass(frozen=True)
class Tones(ClipSource):
    """Decaying tones, and all that a data set can say; each clip that is made leaves a line in a file.

    Clips 2n and 2n + 1 are a group. Clips have pitches from A3 in semitones, those of `silent` and `unreadable` have no
    sound, and those of `unpitched` have no value of ``pitch``. ``loudness`` is what the test says.
    """

    log: Path
    size: int = 12
    silent: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    unpitched: tuple[int, ...] = ()
    loudness: tuple[float, ...] | None = None
    own_parts: tuple[int, ...] | None = None
    states: tuple[str, ...] | None = None
    folder: Path | None = None
    text: str = ""
    name = "tones"
    sample_rate = RATE
    n_samples = N_SAMPLES

    def __len__(self) -> int:
        return self.size

    def key(self) -> dict[str, Any]:
        return {"size": self.size, "silent": self.silent, "states": self.states, "text": self.text}

    def audio(self, index: int) -> NDArray[np.float32]:
        with self.log.open("a") as file:
            file.write(f"{index}\n")
        if index in self.unreadable:
            raise DataError(f"tone {index} is broken")
        if index in self.silent:
            return np.zeros(N_SAMPLES, np.float32)
        return tone(index)

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        return {"parity": ("even", "odd"), "third": ("low", "middle", "high")}

    def labels(self) -> dict[str, NDArray[np.integer]]:
        clips = np.arange(self.size)
        return {"parity": clips % 2, "third": clips * 3 // self.size}

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return ("pitch", "loudness")

    def attributes(self) -> dict[str, NDArray[np.floating]]:
        pitch = 57.0 + np.arange(self.size)
        pitch[list(self.unpitched)] = np.nan
        return {"pitch": pitch, "loudness": np.array(self.loudness or np.arange(self.size, dtype=float))}

    def groups(self) -> NDArray[np.integer]:
        return np.arange(self.size) // 2

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        if self.own_parts is not None:
            return np.array(self.own_parts)
        return super().parts(validation_fraction, seed)

    def attribute_folders(self) -> dict[Path, NDArray[np.integer]]:
        return {} if self.folder is None else {self.folder: np.arange(self.size)}

    def clip_states(self, indices: NDArray[np.integer]) -> list[str]:
        return super().clip_states(indices) if self.states is None else [self.states[index] for index in indices]

    def texts(self) -> dict[str, str]:
        return {"about.txt": self.text} if self.text else {}

    def made(self) -> list[int]:
        """The clips that were made since the last call, in any order."""
        lines = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return sorted(map(int, lines))


@functools.cache
def tone(index: int) -> NDArray[np.float32]:
    """Harmonics whose balance differs from clip to clip, so that no two are equally bright or deep."""
    time = np.arange(N_SAMPLES) / RATE
    orders = np.arange(1, 8)
    partials = np.sin(2 * np.pi * 220 * 2 ** (index / 12) * np.outer(time, orders)) / orders ** (1 + index % 4)
    audio = partials.sum(axis=1) * np.exp(-4 * time)
    return (0.5 * audio / np.abs(audio).max()).astype(np.float32)
