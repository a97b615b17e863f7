"""Files and folders that appear whole or not at all: written beside their place, flushed to the disk, and renamed."""

import errno
import glob
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers that say that a file cannot grow any more."""

_DRAFT = re.compile(r"\.[0-9a-f]{32}(\..*)?")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a hidden draft to write to, which becomes ``path`` when the block ends well and disappears otherwise.

    The draft has the ending of ``path``, so that writers that go by it do the same for both.
    """
    draft = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield draft
        _flush(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove_drafts(folder: Path) -> None:
    """Removes what killed processes have left of files that they wrote to a folder by `whole_file`.

    Args:
        folder: The folder, existing or not; let no other process write to it meanwhile.
    """
    for draft in folder.glob(".*"):
        if _DRAFT.fullmatch(draft.name) and draft.is_file():
            draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder to fill, which becomes ``path`` when the block ends well and disappears otherwise.

    A folder that is there is replaced; until then it stays as it is.

    What a killed process has left of the same folder is removed; let no other process be at work on it.
    """
    for abandoned in path.parent.glob(f"{glob.escape(path.name)}.draft-*"):
        shutil.rmtree(abandoned)
    draft = path.with_name(f"{path.name}.draft-{uuid.uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        yield draft
        for entry in draft.iterdir():
            _flush(entry)
        former = path.with_name(f"{path.name}.draft-{uuid.uuid4().hex}")
        if path.exists():
            path.rename(former)
        draft.rename(path)
        _flush(path.parent)
        shutil.rmtree(former, ignore_errors=True)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
