"""Files of sounds as they are named on the command line, and the names of what is made of them."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.progress import track

from datamodules.errors import first_of
from datamodules.storage.audio_files import FOREIGN_ENDINGS, READABLE_ENDINGS, audio_files
from lightning_app.errors import RunError
from lightning_app.own_sounds.sound import read_sound

_log = logging.getLogger(__name__)

_LONGEST_NAME = 80  # in bytes: file systems allow 255, for two names and what was done


def sound_files(paths: Iterable[Path]) -> list[Path]:
    """Lists files of sounds, each once: those that are named, and those in the folders that are named.

    Audio in these folders that libsndfile does not read is warned of.

    Raises:
        RunError: One is not there, or a folder has none.
    """
    files: dict[Path, Path] = {}
    missing: list[str] = []
    foreign: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found = audio_files(path, READABLE_ENDINGS)
            unread = {file.resolve(): str(file) for file in audio_files(path, FOREIGN_ENDINGS)}
            if not found:
                remedy = f"; convert {first_of(list(unread.values()))} to FLAC or WAV" if unread else ""
                raise RunError(f"there is no audio in the folder {path} (WAV, FLAC, OGG, MP3, AIFF){remedy}.")
            foreign |= unread
        elif path.exists():
            found = [path]
        else:
            missing.append(str(path))
            found = []
        for file in found:
            files.setdefault(file.resolve(), file)
    if missing:
        raise RunError(f"there is no file {first_of(missing, 10)}.")
    if foreign:
        named = first_of(list(foreign.values()), 10)
        _log.warning("Left out, since libsndfile does not read their formats: %s. Convert them to FLAC or WAV.", named)
    return list(files.values())


def check_sounds(files: Sequence[Path]) -> None:
    """Reads all files once, so that those which cannot be heard are known, and all of them, before any work.

    Raises:
        RunError: Some cannot be heard; the message names them and the reasons.
    """
    reasons = []
    for file in track(files, "Reading the sounds", transient=True, disable=len(files) < 3):
        try:
            read_sound(file, str(file))
        except RunError as error:
            reasons.append(str(error).rstrip("."))
    if reasons:
        raise RunError(f"{first_of(reasons, 10, '; ')}.")


def short_names(files: Sequence[Path]) -> list[str]:
    """Names files by what comes before their endings; where that is not unique, by their folders too, and numbers.

    >>> short_names([Path("a/solo.wav"), Path("b/solo.wav"), Path("b/duo.wav"), Path("b/duo.flac")])
    ['a_solo', 'b_solo', 'b_duo', 'b_duo_2']
    """
    times = Counter(file.stem.casefold() for file in files)
    return distinct(
        [
            _shortened(file.stem if times[file.stem.casefold()] == 1 else f"{file.absolute().parent.name}_{file.stem}")
            for file in files
        ]
    )


def distinct(names: Sequence[str]) -> list[str]:
    """Adds numbers to names that there are before, where letter case does not matter.

    >>> distinct(["a", "A", "a_2", "b"])
    ['a', 'A_2', 'a_2_2', 'b']
    """
    taken: set[str] = set()
    unique = []
    for name in names:
        candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(names) + 2))
        one = next(candidate for candidate in candidates if candidate.casefold() not in taken)
        taken.add(one.casefold())
        unique.append(one)
    return unique


def _shortened(name: str) -> str:
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")
