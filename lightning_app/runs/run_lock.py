"""Who works in a run's folder: one training, or evaluations that each write files of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder

_DOES = {"fit": "is training", "validate": "is validating", "test": "is evaluating", "predict": "is encoding clips"}


@contextmanager
def held_for(subcommand: str, folder: RunFolder) -> Iterator[None]:
    """Holds a run's folder while a subcommand writes to it; a process that dies lets go of it.

    A training is alone in its folder. Different evaluations may be there at a time, since they write different files.

    Args:
        subcommand: ``fit``, ``validate``, ``test`` or ``predict``.
        folder: The folder; made where it is missing, and removed again if nothing comes of it.

    Raises:
        RunError: Another process holds it, or it cannot be made or written to.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder.path}: {error.strerror}; name another.") from error
    lock, holder = folder.lock(subcommand), folder.holder(subcommand)
    try:
        with _locked(subcommand, folder):
            try:
                with _writing(folder):
                    holder.write_text(str(os.getpid()))
                # Each has its own lock before it looks at others', so of two that start at once none is overlooked.
                for other in _DOES if subcommand == "fit" else ["fit"]:
                    if other != subcommand:
                        _require_free(other, folder)
                yield
            finally:
                with suppress(OSError):  # what is written there cannot be told any more
                    holder.unlink(missing_ok=True)
                    if subcommand != "fit" or set(folder.path.iterdir()) == {lock}:  # nothing came of it
                        lock.unlink()
    finally:
        with suppress(OSError):  # there is something in it
            folder.path.rmdir()


def is_held(folder: RunFolder) -> bool:
    """Whether a training is writing to a run's folder now."""
    if not folder.holder("fit").exists():
        return False  # without taking the lock even for a moment, which might refuse a training that starts
    try:
        _require_free("fit", folder)
    except RunError:
        return True
    return False


def _require_free(subcommand: str, folder: RunFolder) -> None:
    if folder.lock(subcommand).exists():
        with _locked(subcommand, folder):
            pass


@contextmanager
def _locked(subcommand: str, folder: RunFolder) -> Iterator[None]:
    lock = FileLock(folder.lock(subcommand), timeout=0)
    try:
        with _writing(folder):
            lock.acquire()
    except Timeout:
        raise RunError(
            f"{folder.path} is in use: process {_text_of(folder.holder(subcommand))} {_DOES[subcommand]} there. Wait "
            "for it, or end it, or choose another folder with --name."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except Timeout:  # an OSError, too
        raise
    except OSError as error:
        raise RunError(f"cannot write to {folder.path}: {error.strerror}; name another folder.") from error


def _text_of(holder: Path) -> str:
    try:
        return holder.read_text()
    except OSError:  # it has taken the lock this moment
        return "of another command"
