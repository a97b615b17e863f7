"""Times the loading of NSynth's notes, and the index of a set as large as NSynth, on files made up for it."""

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import torch
from rich.console import Console
from rich.table import Table

from datamodules import NSynthDataModule
from datamodules.nsynth.index import FAMILIES, NSynthIndex

N_NOTES = 2_000
NSYNTH = 305_979
_SAMPLES, _RATE = 64_000, 16_000


def _name(number: int) -> str:
    family = FAMILIES[number % len(FAMILIES)]
    return f"{family}_acoustic_{number // 10_000:03d}-{number // 100 % 100:03d}-{number % 100:03d}"


def _entry(number: int) -> dict[str, object]:
    return {"pitch": number // 100 % 100, "velocity": number % 100, "note": number, "qualities": [0] * 10}


def write_notes(folder: Path, n: int) -> None:
    """Writes a split of n notes of noise."""
    (folder / "audio").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(-9_000, 9_000, _SAMPLES + n).astype(np.int16)
    for number in range(n):
        path = folder / "audio" / f"{_name(number)}.wav"
        soundfile.write(path, noise[number : number + _SAMPLES], _RATE, subtype="PCM_16")
    (folder / "examples.json").write_text(json.dumps({_name(number): _entry(number) for number in range(n)}))


def loading(root: Path, console: Console) -> None:
    """Notes a second that reach the model, spectrograms included."""
    table = Table(title=f"Loading {N_NOTES:,} notes of 4 s, in batches of 32", title_justify="left")
    for column in ("workers", "notes/s decoded", "notes/s with spectrograms on the CPU"):
        table.add_column(column, justify="right", no_wrap=True)
    for n_workers in (0, 1, 2):
        data = NSynthDataModule(root, attributes=("pitch",), num_workers=n_workers)
        data.setup("fit")

        def spectrograms(batch: dict[str, torch.Tensor], data: NSynthDataModule = data) -> None:
            data.on_after_batch_transfer(batch, 0)

        rates = [_rate(data, each) for each in (lambda batch: None, spectrograms)]
        table.add_row(str(n_workers), *(f"{rate:,.0f}" for rate in rates))
    console.print(table)


def _rate(data: NSynthDataModule, each: Callable[[dict[str, torch.Tensor]], None]) -> float:
    batches = iter(data.train_dataloader())
    each(next(batches))  # the workers have started
    started = time.perf_counter()
    n = 0
    for batch in batches:
        each(batch)
        n += len(batch["index"])
    return n / (time.perf_counter() - started)


def index(folder: Path, console: Console) -> None:
    """Time and memory of an index of NSynth's size."""
    (folder / "audio").mkdir(parents=True)
    for number in range(NSYNTH):
        (folder / "audio" / f"{_name(number)}.wav").touch()
    (folder / "examples.json").write_text(json.dumps({_name(number): _entry(number) for number in range(NSYNTH)}))
    started = time.perf_counter()
    notes = NSynthIndex.read(folder)
    seconds = time.perf_counter() - started
    kept = sum(column.nbytes for column in (notes.names, notes.family, notes.source, notes.pitch, notes.velocity))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(
        f"Index of {len(notes):,} notes: read in {seconds:.1f} s, {kept / 2**20:.0f} MB kept, {peak:.0f} MB peak of "
        "the process, Python and torch included"
    )


def main() -> None:
    """Prints both."""
    console = Console(width=max(100, Console().width))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        with console.status("Writing notes"):
            for split, n in (("train", N_NOTES), ("valid", 10)):
                write_notes(root / f"nsynth-{split}", n)
        loading(root, console)
        with console.status("Writing an index"):
            index(root / "large", console)


if __name__ == "__main__":
    main()
