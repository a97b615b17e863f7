"""Functions in processes of their own: copies of this one, which may take limits on themselves, or be killed."""

import multiprocessing
import signal
from collections.abc import Callable
from typing import Any

import torch

_SECONDS = 120


def in_process(function: Callable[[], Any]) -> Any:
    """Returns what a function returns there; EOFError where it raises, with the traceback in stderr."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def answer() -> None:
        # The copy has none of this process's threads, for which OpenMP would wait for ever.
        torch.set_num_threads(1)
        sender.send(function())

    process = context.Process(target=answer)
    process.start()
    sender.close()
    try:
        assert receiver.poll(_SECONDS), "the process does not come to an end"
        return receiver.recv()
    finally:
        process.kill()
        process.join()


def ended_by(function: Callable[[], Any]) -> signal.Signals:
    """Returns the signal that has ended a process while a function ran there."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=function)
    process.start()
    process.join(_SECONDS)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return signal.Signals(-process.exitcode)
