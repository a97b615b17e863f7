import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch


def _run_python(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Fork:
    """A function run in a process of its own, a copy of this one: much faster to start than a fresh Python."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        context = multiprocessing.get_context("fork")
        self._answer, sender = context.Pipe(duplex=False)

        def answer() -> None:
            # The copy has none of this process's threads, for which OpenMP would wait for ever.
            torch.set_num_threads(1)
            sender.send(function(*arguments))

        self.process = context.Process(target=answer)
        self.process.start()
        sender.close()

    def result(self) -> object:
        """What the function returned; EOFError where it raised, with the traceback in stderr."""
        assert self._answer.poll(120), "the process does not come to an end"
        return self._answer.recv()

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def _write(path: Path, audio: np.ndarray, rate: int = 16_000, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exact = {"subtype": "FLOAT"} if path.suffix.lower() == ".wav" else {}
    soundfile.write(path, audio, rate, **exact, **options)
    return path


def _write_wav(path: Path, frequency: float = 440.0, *, seconds: float = 4.0, rate: int = 16_000, channels: int = 1):
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return _write(path, np.stack([wave] * channels, axis=1), rate)


@pytest.fixture(scope="session")
def run_python():
    """Runs code in a fresh Python, with the arguments in sys.argv[1:], and returns what it printed."""
    return _run_python


@pytest.fixture
def fork() -> Iterator[Callable[..., Fork]]:
    """Starts functions in processes of their own; none outlives the test."""
    started: list[Fork] = []

    def start(function: Callable[..., object], *arguments: object) -> Fork:
        started.append(Fork(function, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Writes audio to a file, with its folder, and returns the path; a WAV is of 32-bit floats."""
    return _write


@pytest.fixture(scope="session")
def write_wav():
    """Writes a sine to a WAV file, in 32-bit floats, and returns the path."""
    return _write_wav
