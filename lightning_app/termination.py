"""How a command ends at SIGTERM: with an exception, so that drafts and processes go, and with the status 143."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INSISTS = "insists on SIGTERM"
_SECONDS_BETWEEN_SIGNALS = 1.0


class Terminated(SystemExit):
    """The system has told this process to end; its exit status says so."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


@contextmanager
def raised_at_sigterm() -> Iterator[None]:
    """Has SIGTERM raise `Terminated` inside; where it is ignored, or in another thread than the first, it stays so.

    Lightning puts a handler of its own in the place while it trains or evaluates, which ends that between two batches.
    """
    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    raise_at_sigterm()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def raise_at_sigterm() -> None:
    """Has SIGTERM raise `Terminated` from now on, whatever another has put in the place."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    # Lightning's handler calls this one, too: there it is for Lightning to say when to end.
    if not _is_in_place() or _is_ending(sys.exc_info()[1]):
        return
    # Python drops what is raised just as a process is forked or an object is cleared away.
    if not any(thread.name == _INSISTS for thread in threading.enumerate()):
        threading.Thread(target=_insist, name=_INSISTS, daemon=True).start()
    raise Terminated


def _insist() -> None:
    """Sends the signal again until the command has ended; one that is clearing up does not mind."""
    time.sleep(_SECONDS_BETWEEN_SIGNALS)
    while _is_in_place():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_SECONDS_BETWEEN_SIGNALS)


def _is_in_place() -> bool:
    return signal.getsignal(signal.SIGTERM) is _terminate


def _is_ending(handled: BaseException | None) -> bool:
    """Whether what is being handled came of the end of the program."""
    while handled is not None and not isinstance(handled, (SystemExit, KeyboardInterrupt)):
        handled = handled.__context__
    return handled is not None
