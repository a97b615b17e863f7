"""Measures the time and the memory that it takes to prepare hours of recordings, on files made up for it.

``python -m benchmarks.audio_folder 0.2 1`` takes other numbers of hours than 1 and 10. Each set is written and prepared
in a process of its own, whose memory, with that of its children, is looked at while it works.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

HOURS = (1.0, 10.0)
_RATE = 44_100
_FILE_SECONDS = 120
_FORMATS = ("wav", "flac", "ogg")
_PREPARE = """
import sys
from datamodules import AudioFolderDataModule
data = AudioFolderDataModule(sys.argv[1], cache_dir=sys.argv[2])
data.prepare_data()
data.setup("fit")
print(len(data.source))
"""


class Cost(NamedTuple):
    """What it takes to prepare a set."""

    clips: int
    """Number of its clips."""
    seconds: float
    """Seconds that it takes, the start of Python included."""
    megabytes: float
    """Most memory that the process and its children have had at a time, what they share being counted once."""


def write_recordings(folder: Path, hours: float) -> None:
    """Writes files of two minutes at 44.1 kHz: two classes, three formats; notes of noise, with pauses."""
    random = np.random.default_rng(0)
    noise = random.uniform(-0.5, 0.5, _FILE_SECONDS * _RATE).astype(np.float32)
    noise *= np.repeat(random.uniform(0, 1, 2 * _FILE_SECONDS), _RATE // 2).astype(np.float32)
    for number in range(round(hours * 3600 / _FILE_SECONDS)):
        path = folder / ("even", "odd")[number % 2] / f"{number}.{_FORMATS[number % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, np.roll(noise, 1_000 * number))


def _write(path: Path, audio: np.ndarray) -> None:
    # Not at one go, which libsndfile's Vorbis does not bear.
    with soundfile.SoundFile(path, "w", _RATE, 1) as file:
        for start in range(0, len(audio), _RATE):
            file.write(audio[start : start + _RATE])


def cost(folder: Path, cache_dir: Path) -> Cost:
    """Prepares a folder in a process of its own, and measures it."""
    started = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", _PREPARE, str(folder), str(cache_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        memory = _Memory(process.pid)
        memory.start()
        printed, complaint = process.communicate()
        memory.join()
    if process.returncode:
        raise RuntimeError(complaint)
    return Cost(int(printed.split()[-1]), time.perf_counter() - started, memory.most / 2**20)


class _Memory(threading.Thread):
    """Looks at the memory of a process and its children until it ends."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self.most = 0

    def run(self) -> None:
        while Path(f"/proc/{self._process}/smaps_rollup").exists():
            now = sum(map(_memory_of, [self._process, *_below(self._process)]))
            if not now:
                return
            self.most = max(self.most, now)
            time.sleep(0.2)


def _memory_of(process: int) -> int:
    """Bytes of a process that are in memory; of what several share, its part."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))]
    return 1024 * sum(kilobytes)


def _below(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        found += [one for child in children for one in (child, *_below(child))]
    return found


def main(hours: tuple[float, ...] = HOURS) -> None:
    """Prints what each number of hours takes."""
    console = Console(width=max(100, Console().width))
    table = Table(title="Preparing recordings as log-mels (Linux)", title_justify="left")
    for column in ("hours", "clips", "seconds", "times real time", "peak memory, MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for number in hours:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            with console.status(f"Writing {number:g} hours"):
                write_recordings(root / "recordings", number)
            with console.status(f"Preparing {number:g} hours"):
                took = cost(root / "recordings", root / "cache")
        speed = 3600 * number / took.seconds
        table.add_row(f"{number:g}", f"{took.clips:,}", f"{took.seconds:.0f}", f"{speed:.0f}", f"{took.megabytes:,.0f}")
    console.print(table)


if __name__ == "__main__":
    main(tuple(map(float, sys.argv[1:])) or HOURS)
