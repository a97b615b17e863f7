"""Tells the audio files of a folder from what archives and file systems leave beside them."""

import os
from pathlib import Path

READABLE_ENDINGS = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"),
    *(".au", ".snd", ".caf", ".w64", ".rf64", ".voc", ".sd2"),
)
"""Endings of the formats of music that libsndfile reads."""

FOREIGN_ENDINGS = (".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".ape", ".wv", ".alac", ".amr", ".ac3")
"""Endings of audio that it does not read: such a file is named, and not passed over in silence."""


def audio_files(folder: Path, endings: tuple[str, ...] = (".wav",)) -> list[Path]:
    """Returns the audio files in a folder and those below it (`is_audio_file`), sorted by path.

    Hidden folders and ``__MACOSX`` are passed over, but the folder itself may be one.

    >>> audio_files(Path("absent"))
    []
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_debris(name)]
        found += (Path(parent, name) for name in names if is_audio_file(name, endings))
    return sorted(found)


def is_audio_file(name: str, endings: tuple[str, ...] = (".wav",)) -> bool:
    """Returns whether a file's name has one of some endings, in any letter case, and is not hidden.

    Args:
        name: Name of the file, without its folder.
        endings: Endings in lower case, with the dot.

    >>> is_audio_file("a.WAV"), is_audio_file("._a.wav")  # the second is AppleDouble's
    (True, False)
    """
    return name.lower().endswith(endings) and not is_debris(name)


def is_debris(name: str) -> bool:
    """Returns whether a file or folder is hidden, or left behind by an archive."""
    return name.startswith(".") or name == "__MACOSX"
