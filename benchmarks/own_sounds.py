"""Seconds and memory to swap a file of three minutes: ``python -m benchmarks.own_sounds runs/mine``."""

import resource
import sys
import time

import numpy as np

from lightning_app import load_run
from lightning_app.own_sounds.sound import Sound

_SECONDS, _RATE = 180, 44_100


def melody(seconds: float, rate: int, seed: int = 0) -> Sound:
    """Makes notes of half a second, with eight partials that decay.

    Args:
        seconds: Length of the sound.
        rate: Sample rate, in Hz.
        seed: Seed of the draw of the notes.
    """
    time_ = np.arange(rate // 2) / rate
    partials = np.arange(1, 9)[:, None]
    pitches = np.random.default_rng(seed).integers(55, 80, int(2 * seconds))
    notes = [
        (np.sin(2 * np.pi * partials * 440 * 2 ** ((pitch - 69) / 12) * time_) / partials).sum(axis=0)
        * np.exp(-3 * time_)
        for pitch in pitches
    ]
    return Sound((0.2 * np.concatenate(notes)).astype(np.float32), rate, "melody")


def main() -> None:
    """Swaps the file by the run that is named, and prints what it has taken."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.own_sounds RUN")
    run = load_run(sys.argv[1])
    source, target = melody(_SECONDS, _RATE), melody(10, _RATE, seed=1)
    run.swap(target, target)  # what is done once
    before, began = _megabytes(), time.perf_counter()
    run.swap(source, target)
    took = time.perf_counter() - began
    print(f"{_SECONDS} s of sound at {_RATE:,} Hz: {took:.0f} s, and {_megabytes() - before:.0f} MB more than before "
          f"({before:.0f} MB).")  # fmt: skip


def _megabytes() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
