"""Where the trials of a sweep are kept: a journal in its folder, SQLite, or a database that many machines reach."""

import logging
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from sqlalchemy.engine import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lightning_app.errors import RunError, UsageError
from lightning_app.sweeps.locks import DatabaseLocks, FileLocks, TrialLocks

JOURNAL = "trials.journal"
_LOCKS = ".locks"
_SECONDS_TO_ANSWER = 10
_REMEDY = (
    "Name one like postgresql://user@host/database or sqlite:///trials.db with --storage, or leave that out for a "
    "journal in the sweep's folder."
)


def open_storage(url: str | None, folder: Path, study: str) -> tuple[BaseStorage, TrialLocks]:
    """Opens the storage of a sweep, and makes it where it is not there yet.

    Args:
        url: URL of a database; None takes a journal in the folder.
        folder: The sweep's folder.
        study: Name of the study.

    Raises:
        UsageError: It is no URL of a kind that is supported.
        RunError: It does not answer, or the folder cannot be written to.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        files = FileLocks(folder / _LOCKS)
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror}; name another folder with --runs.") from error
    if url is None:
        return _journal(folder / JOURNAL), files
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        with files.setting_up():
            return _database(parsed, {"timeout": 60}), files
    engine = create_engine(parsed, connect_args={"connect_timeout": _SECONDS_TO_ANSWER})
    locks = DatabaseLocks(engine, study)
    try:
        with locks.setting_up():  # of two that make its tables at a time, one fails
            return _database(parsed, {"connect_timeout": _SECONDS_TO_ANSWER}), locks
    except SQLAlchemyError as error:
        raise RunError(_no_answer(parsed, error)) from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, SQLAlchemyError) as error:
        raise UsageError(f"--storage {url!r} is no URL of a database. {_REMEDY}") from error
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise UsageError(f"--storage {url!r} is kept in no file, so nothing of it would last. {_REMEDY}")
        return parsed
    raise UsageError(f"--storage {parsed.render_as_string()}: {backend} is not supported. {_REMEDY}")


def _database(url: URL, connect: dict[str, int]) -> BaseStorage:
    try:
        return RDBStorage(url.render_as_string(hide_password=False), {"connect_args": connect, "pool_pre_ping": True})
    except ImportError as error:
        raise RunError("PostgreSQL needs its driver: pip install 'disentangle[postgresql]'.") from error
    except SQLAlchemyError as error:
        raise RunError(_no_answer(url, error)) from error


def _no_answer(url: URL, error: Exception) -> str:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return f"--storage {url.render_as_string()} does not answer: {said[0] if said else type(error).__name__}. {_REMEDY}"


class _ProcessLock(BaseJournalFileLock):
    """A lock that the system lets go of with its process; Optuna's own stay where a process is killed."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def _journal(path: Path) -> BaseStorage:
    lock = path.parent / _LOCKS / "journal.lock"
    with FileLock(lock):
        _drop_half_a_line(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_ProcessLock(lock)))


def _drop_half_a_line(path: Path) -> None:
    """Removes the end of a journal whose writer was killed in the middle of it."""
    try:
        with path.open("rb+") as file:
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
    except FileNotFoundError:
        pass
