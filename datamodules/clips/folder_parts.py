"""Folders that are called like the parts of a split, and what lies in them."""

from collections.abc import Iterable

from datamodules.clips.source import Part

FOLDER_PARTS = {
    **dict.fromkeys(("train", "training"), Part.TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), Part.VALIDATION),
    **dict.fromkeys(("test", "testing"), Part.TEST),
}
"""What the clips in folders of these names are for, in any letter case."""


def is_folder_of_part(folder: str) -> bool:
    """Returns whether a folder is called like a part.

    >>> is_folder_of_part("Train"), is_folder_of_part("trains")
    (True, False)
    """
    return folder.lower() in FOLDER_PARTS


def part_of(folders: Iterable[str]) -> Part | None:
    """Returns what clips are for that lie in folders inside each other; of several, the one kept apart most.

    >>> part_of(["violin", "Valid"]), part_of(["train", "test"]), part_of(["violin"])
    (<Part.VALIDATION: 1>, <Part.TEST: 2>, None)
    """
    return max((FOLDER_PARTS[name.lower()] for name in folders if is_folder_of_part(name)), default=None)
