"""The stems of URMP: one file for each instrument of each piece, found and read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.errors import DataError, first_of
from datamodules.storage.audio_files import audio_files
from datamodules.storage.recording import Recording

INSTRUMENTS = {
    "vn": "violin",
    "va": "viola",
    "vc": "cello",
    "db": "double_bass",
    "fl": "flute",
    "ob": "oboe",
    "cl": "clarinet",
    "sax": "saxophone",
    "bn": "bassoon",
    "tpt": "trumpet",
    "hn": "horn",
    "tbn": "trombone",
    "tba": "tuba",
}
"""The name of each of URMP's codes."""

RATE = 48_000
"""Sample rate of all stems, in Hz."""

_STEM = re.compile(r"AuSep_\d+_(?P<code>[a-z]+)_\d+_(?P<title>.+)")
_ENDINGS = (".wav", ".flac")


@dataclass(frozen=True)
class Stem:
    """A stem.

    Attributes:
        recording: Its file, by the name of the file and its folder, such as
            ``01_Jupiter_vn_vc/AuSep_1_vn_01_Jupiter.wav``.
        instrument: One of the names in `INSTRUMENTS`, by the code of the file: folders' names have mistakes.
        title: Title of the piece. Arrangements of one piece in several folders have the same.
    """

    recording: Recording
    instrument: str
    title: str

    @property
    def name(self) -> str:
        """Name of the recording."""
        return self.recording.name


def check_instruments(instruments: Sequence[str]) -> None:
    """Raises DataError where a name is not URMP's or comes twice."""
    for name in instruments:
        if name not in INSTRUMENTS.values():
            raise DataError(
                f"instruments has '{name}'; URMP has {', '.join(INSTRUMENTS.values())}.", argument="instruments"
            )
    if not instruments or len(set(instruments)) < len(instruments):
        raise DataError(f"instruments is {list(instruments)}; name one or more, each once.", argument="instruments")


def find_stems(root: Path, instruments: Sequence[str]) -> tuple[Stem, ...]:
    """Returns the stems of some instruments, sorted by name.

    Args:
        root: The folder that holds the folders of the pieces, itself or further down.
        instruments: Names from `INSTRUMENTS`.

    Raises:
        DataError: No such folder, no stems in it, none of an instrument, or stems that cannot be read, are empty, are
            not named like URMP's, are there twice, or have another sample rate.
    """
    check_instruments(instruments)
    if not root.is_dir():
        raise DataError(f"no folder {root}; set root to the one with URMP's pieces.", argument="root")
    paths = [path for path in audio_files(root, _ENDINGS) if path.name.startswith("AuSep_")]
    if not paths:
        raise DataError(
            f"no stems in {root} or its folders; root should name the folder with URMP's pieces, like "
            "01_Jupiter_vn_vc with AuSep_1_vn_01_Jupiter.wav.",
            argument="root",
        )
    instrument_of = {path: _instrument_and_title(path)[0] for path in paths}
    for instrument in instruments:
        if instrument not in instrument_of.values():
            there = [name for name in INSTRUMENTS.values() if name in instrument_of.values()]
            raise DataError(
                f"no stem of {instrument} in {root}; it has {', '.join(there)}. Correct instruments or root.",
                argument="instruments",
            )
    wanted = [path for path in paths if instrument_of[path] in instruments]
    first: dict[str, Path] = {}
    for path in wanted:
        other = first.setdefault(Path(_name(path)).with_suffix("").as_posix(), path)
        if other != path:
            raise DataError(f"{other} and {path} are the same stem. Remove one of them.")
    return _opened(wanted)


def _name(path: Path) -> str:
    return f"{path.absolute().parent.name}/{path.name}"


def _instrument_and_title(path: Path) -> tuple[str, str]:
    match = _STEM.fullmatch(path.stem)
    if match is None or match["code"] not in INSTRUMENTS:
        raise DataError(
            f"{path} is not named like URMP's stems, AuSep_<number>_<instrument>_<piece>, with an instrument of "
            f"{', '.join(INSTRUMENTS)}; rename it or move it elsewhere."
        )
    return INSTRUMENTS[match["code"]], match["title"]


def _opened(paths: Sequence[Path]) -> tuple[Stem, ...]:
    """Goes by the headers of the files, and names all that will not do."""
    stems, problems = [], []
    for path in paths:
        try:
            recording = Recording.at(path, _name(path))
        except DataError as error:
            problems.append(str(error))
            continue
        if recording.rate != RATE:
            problems.append(f"{path} has a sample rate of {recording.rate} Hz, and URMP's stems have {RATE} Hz")
            continue
        stems.append(Stem(recording, *_instrument_and_title(path)))
    if problems:
        raise DataError(f"{first_of(problems, 5, '; ')}. Unpack URMP again, or remove what is not URMP's.")
    return tuple(stems)
