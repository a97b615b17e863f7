"""Says what there is in a folder of recordings: ``disentangle inspect FOLDER``."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from jsonargparse.typing import NonNegativeInt, PositiveInt

from lightning_app.commands.function_command import call_function

SAMPLE_RATE = 16_000
"""Sample rate in Hz that the project's configurations have."""


def main(words: Sequence[str]) -> None:
    """Inspects the folder that the words name."""
    call_function(inspect, words, "disentangle inspect", positional=["folder"])


def inspect(
    folder: Path,
    seconds: float = 4.0,
    hop_seconds: float | None = None,
    rest: Literal["drop", "pad"] = "drop",
    silence_db: float | None = -60.0,
    amplitude: Literal["as_it_is", "file", "class", "set"] = "as_it_is",
    table: Path | None = None,
    columns: dict[str, Literal["file", "class", "attribute", "group", "ignore"]] | None = None,
    folder_classes: bool = True,
    split_by_file: bool = True,
    validation_fraction: float = 0.2,
    seed: NonNegativeInt = 0,
    sample_rate: PositiveInt = SAMPLE_RATE,
    out: Path | None = None,
    overwrite: bool = False,
    cache_dir: Path | None = None,
    prepare_workers: PositiveInt | None = None,
) -> None:
    """Says what there is in a folder of recordings, before any training, and writes the configuration to start from.

    It tells of the files, their formats and levels, the classes, what would be left out and why, and what is
    suspicious. What it hears is kept, so that training does not listen to the files again.

    Args:
        folder: The folder with the recordings.
        seconds: Length of the segments that recordings are cut into.
        hop_seconds: Seconds from the start of a segment to the start of the next; by default no gap and no overlap.
        rest: What becomes of the end of a file that fills no segment: drop, or pad with silence.
        silence_db: Level in dB below which a segment is silence and dropped; null drops none.
        amplitude: Scaling of the audio: as_it_is, or by the peak of its file, its class or the whole set.
        table: Path of a table of the files (CSV, TSV or JSON Lines), from the folder on.
        columns: Meaning of columns of the table, like '{take: class, bpm: attribute, note: ignore}'.
        folder_classes: Whether folders make classes.
        split_by_file: Whether all segments of a file are on one side of the split.
        validation_fraction: Share of each class's segments for validation, where there is no folder of them.
        seed: Seed of the split.
        sample_rate: Sample rate in Hz that a model would hear.
        out: Path of the configuration; by default the folder's name with .yaml, in the working directory.
        overwrite: Whether a configuration that is there may be replaced.
        cache_dir: Folder of the cache, where what is heard is kept.
        prepare_workers: Processes that listen; by default one for each CPU core.

    Raises:
        DataError: There is no audio, or an option names nothing.
        RunError: The configuration exists already, or cannot be written.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from rich.console import Console

    from datamodules.audio_folder.segments import Cut
    from datamodules.audio_folder.source import AudioFolder
    from datamodules.storage.cache import DEFAULT_CACHE_DIR
    from datamodules.storage.cores import usable_cores
    from lightning_app.inspection.findings import findings
    from lightning_app.inspection.printing import print_findings
    from lightning_app.inspection.starting_point import refuse_to_replace, write_configuration

    root = folder.expanduser().resolve()
    path = Path(f"{root.name or 'recordings'}.yaml") if out is None else out.expanduser()
    refuse_to_replace(path, overwrite)
    known = AudioFolder(
        root=root,
        sample_rate=sample_rate,
        cut=Cut(seconds, seconds if hop_seconds is None else hop_seconds, rest, silence_db),
        amplitude=amplitude,
        table=None if table is None else table.expanduser(),
        columns=columns or {},
        folder_classes=folder_classes,
        unreadable="leave_out",
        split_by_file=split_by_file,
        cache_dir=DEFAULT_CACHE_DIR if cache_dir is None else cache_dir.expanduser(),
        n_workers=prepare_workers or usable_cores(),
    )
    found = findings(known, validation_fraction, seed)
    console = Console()
    print_findings(found, console)
    options: dict[str, Any] = {
        "root": str(root),
        "seconds": seconds,
        "hop_seconds": hop_seconds,
        "rest": rest,
        "silence_db": silence_db,
        "amplitude": amplitude,
        "table": None if table is None else str(table),
        "columns": columns,
        "folder_classes": folder_classes,
        "unreadable": "leave_out" if found.left_out else "refuse",
        "split_by_file": split_by_file,
        "validation_fraction": validation_fraction,
        "seed": int(seed),
    }
    if cache_dir is not None:
        options["cache_dir"] = str(cache_dir.expanduser().resolve())
    if sample_rate != SAMPLE_RATE:
        options["representation"] = {"init_args": {"sample_rate": int(sample_rate)}}
    write_configuration(path, found, options)
    console.print(f"\nWrote {path}. To train on it:", soft_wrap=True)
    console.print(f"  {shlex.join(['disentangle', 'fit', '-c', 'ts_dsae', '-c', str(path)])}", soft_wrap=True)
