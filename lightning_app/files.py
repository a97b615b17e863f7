"""Files of a run, which appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.storage import whole
from lightning_app.errors import RunError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Does what `datamodules.storage.whole.whole_file` does, and makes the folder where it is missing.

    Raises:
        RunError: The folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path.parent}: {error.strerror}; name another.") from error
    with whole.whole_file(path) as draft:
        yield draft
