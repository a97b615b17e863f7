"""A data set of clips that hold one value each, and what computes it, importable in worker processes."""

import functools
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import soundfile

from datamodules.analysis.attribute_table import AttributeModel
from datamodules.errors import DataError


def measured(audio: np.ndarray, rate: int) -> dict[str, float]:
    """What these tests compute: each of their clips holds one value."""
    if not audio.any():
        raise DataError("the audio is silent")
    if audio[0] == 1.0:
        raise RuntimeError("a defect")
    return {"level": math.inf if audio[0] == 0.75 else float(audio[0]), "seconds": len(audio) / rate}


def measured_slowly(log: Path, audio: np.ndarray, rate: int) -> dict[str, float]:
    with log.open("a") as file:
        file.write(f"{os.getpid()} {audio[0]}\n")
    time.sleep(0.01)
    return measured(audio, rate)


def fatal(deadly: float, audio: np.ndarray, rate: int) -> dict[str, float]:
    if audio[0] == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return measured(audio, rate)


MODEL = AttributeModel("levels", "1", ("level", "seconds"), measured)


def slow(log: Path) -> AttributeModel:
    return AttributeModel("levels", "1", ("level", "seconds"), functools.partial(measured_slowly, log))


def write_clips(folder: Path, n: int, first: int = 0) -> dict[str, Path]:
    """Clips whose value is their number over 1024."""
    folder.mkdir(exist_ok=True)
    clips = {f"clip-{i:04}": folder / f"{i:04}.wav" for i in range(first, first + n)}
    for i, path in enumerate(clips.values(), first):
        soundfile.write(path, np.full(80, (i + 1) / 1024), 8000, subtype="FLOAT")
    return clips


def write_clip(path: Path, value: float) -> Path:
    soundfile.write(path, np.full(80, value), 8000, subtype="FLOAT")
    return path


def assert_complete(table, clips: dict[str, Path]) -> None:
    assert table["name"].to_pylist() == list(clips)
    assert table["level"].to_pylist() == [(int(name[-4:]) + 1) / 1024 for name in clips]
    assert table["problem"].null_count == len(clips)


def files_beside_audio(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".wav")
