"""Files that appear whole or not at all."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_app.errors import RunError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a draft to write to, which becomes ``path`` when the block ends well and disappears otherwise.

    The draft has the ending of ``path``, so that writers that go by it do the same for both.

    Raises:
        RunError: The folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path.parent}: {error.strerror}; name another.") from error
    draft = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
