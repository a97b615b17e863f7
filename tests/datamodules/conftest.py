import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile


def _run_python(code: str, *arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)


def _write_wav(path: Path, frequency: float = 440.0, *, seconds: float = 4.0, rate: int = 16_000, channels: int = 1):
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, subtype="FLOAT")
    return path


def _strongest_frequency(audio: np.ndarray, rate: int) -> float:
    """The peak of a zero-padded spectrum, refined by a parabola through the logarithms around it."""
    n = 4 * 2 ** int(np.ceil(np.log2(len(audio))))
    spectrum = np.log(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), n)) + 1e-12)
    peak = int(spectrum[1:-1].argmax()) + 1
    left, middle, right = spectrum[peak - 1 : peak + 2]
    return float((peak + 0.5 * (left - right) / (left - 2 * middle + right)) * rate / n)


@pytest.fixture(scope="session")
def run_python():
    """Runs code in a Python of its own, with the arguments in sys.argv[1:]."""
    return _run_python


@pytest.fixture(scope="session")
def write_wav():
    """Writes a sine to a WAV file, in 32-bit floats, and returns the path."""
    return _write_wav


@pytest.fixture(scope="session")
def strongest_frequency():
    """Measures the frequency, in Hz, of the strongest partial."""
    return _strongest_frequency
