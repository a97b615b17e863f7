"""The files of audio in a folder: which there are, and which cannot be used."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from datamodules.errors import DataError
from datamodules.storage.audio_files import FOREIGN_ENDINGS, READABLE_ENDINGS, is_audio_file, is_debris
from datamodules.storage.recording import Recording


@dataclass(frozen=True)
class Found:
    """What there is in a folder.

    Attributes:
        recordings: Files that can be read, by their headers, sorted by name.
        problems: Why each of the others cannot be used, by its name.
    """

    recordings: tuple[Recording, ...]
    problems: dict[str, str]


def find_recordings(root: Path) -> Found:
    """Finds the audio in a folder and those below it, by the headers of its files.

    Names are relative to the folder, like ``violin/a.wav``. Hidden files and folders and ``__MACOSX`` are passed over.
    Links to folders are followed, and each folder is looked into once.

    Raises:
        DataError: There is no such folder, or no audio in it.
    """
    if not root.exists():
        raise DataError(f"there is no folder {root}; set root to the folder with your recordings.", argument="root")
    if not root.is_dir():
        raise DataError(
            f"{root} is a file; set root to the folder that it lies in, or to one with this file alone.",
            argument="root",
        )
    problems: dict[str, str] = {}
    paths = {name_of(path, root): path for path in _files(root, problems)}
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(_recording_or_problem, paths.values(), paths))
    recordings = tuple(one for one in outcomes if isinstance(one, Recording))
    problems |= {name: one for name, one in zip(paths, outcomes, strict=True) if isinstance(one, str)}
    if not paths and not problems:
        raise DataError(
            f"there is no audio in {root} or its folders; root should name a folder with files that end in "
            f"{', '.join(READABLE_ENDINGS[:8])} or the like.",
            argument="root",
        )
    return Found(recordings, problems)


def name_of(path: Path, root: Path) -> str:
    """Returns a path relative to the folder, as text: with what is no text in it written out.

    >>> name_of(Path("music/violin/a.wav"), Path("music"))
    'violin/a.wav'
    """
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _recording_or_problem(path: Path, name: str) -> Recording | str:
    if is_audio_file(path.name, FOREIGN_ENDINGS):
        return f"{path} is in a format that libsndfile does not read; convert it to FLAC or WAV"
    try:
        return Recording.at(path, name)
    except DataError as error:
        return str(error)


def _files(root: Path, problems: dict[str, str]) -> list[Path]:
    found: list[Path] = []
    for folder in _folders(root, problems):
        found += [path for path in folder.iterdir() if is_audio_file(path.name, READABLE_ENDINGS + FOREIGN_ENDINGS)]
    return sorted(path for path in found if not path.is_dir())


def _folders(root: Path, problems: dict[str, str]) -> Iterator[Path]:
    """Each folder once, by its own name rather than that of a link to it; those that cannot be listed are problems."""
    seen: set[Path] = set()
    waiting = deque([root])
    while waiting:
        folder = waiting.popleft()
        if (real := folder.resolve()) in seen:
            continue
        seen.add(real)
        try:
            below = sorted(path for path in folder.iterdir() if path.is_dir() and not is_debris(path.name))
        except OSError as error:
            problems[name_of(folder, root)] = f"cannot look into {folder}: {error.strerror}"
            continue
        yield folder
        waiting.extendleft(path for path in reversed(below) if not path.is_symlink())
        waiting.extend(path for path in below if path.is_symlink())
