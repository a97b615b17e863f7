"""Who works on a trial: a lock that is let go of when its holder dies, however that comes about."""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text

_SET_UP = -1


class TrialLocks(Protocol):
    """Locks of the trials of a sweep: one that is being worked on is locked, and one whose worker is dead is not."""

    def take(self, number: int) -> bool:
        """Takes the lock of a trial, or returns that another has it; this process may be that other."""
        ...

    def release(self, number: int) -> None:
        """Lets go of the lock of a trial."""
        ...

    def check(self) -> None:
        """Raises an error of the storage where the locks may have been lost."""
        ...

    def setting_up(self) -> AbstractContextManager[None]:
        """Keeps other workers out while the study is made or checked; a context."""
        ...


class FileLocks:
    """Locks of files, for the workers of one machine.

    Args:
        folder: The folder of the files.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._held: dict[int, FileLock] = {}

    def take(self, number: int) -> bool:
        if number in self._held:
            return False
        lock = FileLock(self._folder / f"{number}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._held[number] = lock
        return True

    def release(self, number: int) -> None:
        self._held.pop(number).release()

    def check(self) -> None:
        """The system keeps them."""

    @contextmanager
    def setting_up(self) -> Iterator[None]:
        with FileLock(self._folder / "study.lock"):
            yield


class DatabaseLocks:
    """Advisory locks of PostgreSQL, for workers on many machines: they last as long as the worker's connection.

    Unlike heartbeats they need no time to be missed: the database knows at once that a process is gone, and after some
    two minutes that a machine is.

    Args:
        engine: The database.
        study: Name of the study.
    """

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine = engine
        self._key = zlib.crc32(study.encode()) - 2**31
        self._held: set[int] = set()
        self._connection: Connection | None = None

    def take(self, number: int) -> bool:
        if number in self._held:  # to the database, a connection may have its own locks again
            return False
        if not self._asked("SELECT pg_try_advisory_lock(:key, :number)", number):
            return False
        self._held.add(number)
        return True

    def release(self, number: int) -> None:
        self._held.remove(number)
        self._asked("SELECT pg_advisory_unlock(:key, :number)", number)

    def check(self) -> None:
        self._asked("SELECT true")

    @contextmanager
    def setting_up(self) -> Iterator[None]:
        self._asked("SELECT true FROM pg_advisory_lock(:key, :number)", _SET_UP)
        try:
            yield
        finally:
            self._asked("SELECT pg_advisory_unlock(:key, :number)", _SET_UP)

    def _asked(self, query: str, number: int | None = None) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            for setting in ("tcp_keepalives_idle = 60", "tcp_keepalives_interval = 15", "tcp_keepalives_count = 4"):
                self._connection.execute(text(f"SET {setting}"))
        values = {} if number is None else {"key": self._key, "number": number}
        return bool(self._connection.execute(text(query), values).scalar())
