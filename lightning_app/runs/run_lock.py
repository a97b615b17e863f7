"""One training at a time in a run's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder


@contextmanager
def held_for_training(folder: RunFolder) -> Iterator[None]:
    """Holds a run's folder while a training writes to it; a process that dies lets go of it.

    Raises:
        RunError: Another process holds it, or the folder cannot be made.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder.path}: {error.strerror}; name another.") from error
    try:
        with _locked(folder):
            folder.holder.write_text(str(os.getpid()))
            try:
                yield
            finally:
                folder.holder.unlink(missing_ok=True)
                if set(folder.path.iterdir()) == {folder.lock}:  # nothing came of it
                    folder.lock.unlink()
    finally:
        with suppress(OSError):  # there is something in it
            folder.path.rmdir()


def require_no_training(folder: RunFolder) -> None:
    """Refuses to work in a folder that a training is writing to.

    Raises:
        RunError: A process holds it.
    """
    if folder.lock.exists():
        with _locked(folder):
            pass


def is_held(folder: RunFolder) -> bool:
    """Whether a training is writing to a run's folder now."""
    if not folder.holder.exists():
        return False  # without taking the lock even for a moment, which might refuse a training that starts
    try:
        require_no_training(folder)
    except RunError:
        return True
    return False


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    try:
        with FileLock(folder.lock, timeout=0):
            yield
    except Timeout:
        raise RunError(
            f"{folder.path} is in use: process {_text_of(folder.holder)} is training there. Wait for it, or end it, or "
            "choose another folder with --name."
        ) from None
    except OSError as error:
        raise RunError(f"cannot write to {folder.path}: {error.strerror}; name another folder.") from error


def _text_of(holder: Path) -> str:
    try:
        return holder.read_text()
    except OSError:  # it has taken the lock this moment
        return "of another command"
