"""Whether processes live, and which have been started for whom; Linux alone tells it in ``/proc``."""

import time
from collections.abc import Callable
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether a process is there; a zombie, which its reaper has not seen to yet, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def of_session(session: int) -> set[int]:
    """The processes of a session, whoever their parents are by now."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rsplit(")", 1)[1].split()[3]) == session:
                found.add(int(status.parent.name))
        except OSError:  # it has ended this moment
            pass
    return {pid for pid in found if lives(pid)}


def wait_until(happened: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Waits until something has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"this does not happen: {what}"
        time.sleep(0.02)
