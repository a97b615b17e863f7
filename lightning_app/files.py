"""Files of a run, which appear whole or not at all."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.storage import whole
from lightning_app.errors import RunError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Does what `datamodules.storage.whole.whole_file` does, and makes the folder where it is missing.

    Raises:
        RunError: The folder cannot be made, or the file cannot be written: the disk is full, say. What was there before
            is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path.parent}: {error.strerror}; name another.") from error
    draft = None
    try:
        with whole.whole_file(path) as draft:
            yield draft
    except OSError as error:
        if error.filename not in (None, str(draft)):  # of a file that was read meanwhile
            raise
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RunError:
    """Returns the error of a file that could not be written: which, why, and what to do."""
    if error.errno in whole.OUT_OF_SPACE:
        remedy = "free some space, and type the same again"
    elif error.errno == errno.ENAMETOOLONG:
        remedy = "take a shorter name"
    else:
        remedy = "see to it that its folder can be written to, or take another"
    return RunError(f"cannot write {path}: {error.strerror or error}; {remedy}. Nothing was left half-written.")
