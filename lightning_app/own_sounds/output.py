"""What is made of sounds, as files: whole or not at all, and over no other file unless that is asked for."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from datamodules.errors import first_of
from datamodules.storage.audio_files import READABLE_ENDINGS
from datamodules.storage.sound_bytes import sound_bytes
from lightning_app.errors import RunError, UsageError
from lightning_app.files import whole_file
from lightning_app.own_sounds.sound import Sound

Format = Literal["wav", "flac"]
_ENDINGS = (".wav", ".flac")
_RATES = (1_000, 384_000)


def is_sound_file(out: Path, form: Format | None) -> bool:
    """Whether ``--out`` names a file of one sound, and not a folder.

    Args:
        out: The path.
        form: The format that ``--format`` names.

    Raises:
        UsageError: It has an ending that is not written, or another than the format.
    """
    ending = out.suffix.lower()
    if ending not in READABLE_ENDINGS or out.is_dir():
        return False
    if ending not in _ENDINGS:
        raise UsageError(f"--out {out}: sounds are written as .wav or .flac; take one of these, or name a folder.")
    if form is not None and ending != f".{form}":
        raise UsageError(f"--out {out} and --format {form} contradict each other; leave one of them out.")
    return True


def check_rate(rate: int | None) -> None:
    """Checks a sample rate that is asked for.

    Raises:
        UsageError: No sound has such a rate.
    """
    if rate is not None and not _RATES[0] <= rate <= _RATES[1]:
        raise UsageError(f"--rate {rate}: it is in Hz, from {_RATES[0]:,} to {_RATES[1]:,}, like 44100.")


def check_place(folder: Path, files: Iterable[Path], sources: Iterable[Path], *, overwrite: bool) -> None:
    """Checks before any work that files can be written.

    Args:
        folder: The folder of the files.
        files: The files.
        sources: What they are made of, which is never overwritten.
        overwrite: Whether files that are there are replaced.

    Raises:
        RunError: The folder is a file or may not be written to, a file is there, or is a source.
    """
    files = list(files)
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        raise RunError(f"{there} is a file; name a folder with --out.")
    if not os.access(there, os.W_OK):
        raise RunError(f"nothing may be written to {there}; name another place with --out.")
    own = {source.resolve() for source in sources}
    if taken := [str(file) for file in files if file.resolve() in own]:
        raise RunError(f"{taken[0]} is a recording that would be written over; name another place with --out.")
    if not overwrite:
        refuse_to_overwrite(files)


def refuse_to_overwrite(files: Iterable[Path]) -> None:
    """Refuses to write over files.

    Raises:
        RunError: Some are there; the message names them.
    """
    if there := [str(file) for file in files if file.exists()]:
        raise RunError(
            f"there is {first_of(there)} already; name another place with --out, or replace with --overwrite."
        )


def write_sound(path: Path, sound: Sound) -> None:
    """Writes a sound as WAV or FLAC of 24 bits, by the ending of the path.

    Raises:
        RunError: The ending is another.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise RunError(f"{path}: sounds are written as .wav or .flac; take one of these endings.")
    with whole_file(path) as draft:
        draft.write_bytes(sound_bytes(sound.wave, sound.rate, subtype="PCM_24", format=path.suffix[1:].upper()))
