"""Processes that end with the one that has started them, also where that is killed without a word."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping

_VARIABLE = "DISENTANGLE_PARENT"
_PR_SET_PDEATHSIG = 1
_SECONDS_BETWEEN_LOOKS = 0.5


def ending_with_this_process(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of a process of this command line that ends with this one.

    Args:
        environment: The other variables.
    """
    return {**environment, _VARIABLE: str(os.getpid())}


def end_with_parent() -> None:
    """Sees to it that this process ends with the one that has asked for it, where one has.

    The processes that this one starts are its own to end, so the variable goes no further.
    """
    asked = os.environ.pop(_VARIABLE, None)
    if asked is None:
        return
    parent = int(asked)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has died before this process could ask to be told
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
