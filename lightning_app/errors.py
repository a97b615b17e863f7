"""Errors of a run, and how all of the project's own errors reach the user."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from datamodules.errors import DataError
from modules.errors import ModelError


class RunError(RuntimeError):
    """A run cannot start or go on; the message names what is wrong and the remedy."""


USER_ERRORS = (DataError, ModelError, RunError)


@contextmanager
def one_message() -> Iterator[None]:
    """Ends the program with one message and exit status 1 where one of the project's own errors is raised inside."""
    try:
        yield
    except Exception as error:
        own: BaseException | None = error
        # jsonargparse wraps in its own what a class raises on creation.
        while own is not None and not isinstance(own, USER_ERRORS):
            own = own.__cause__
        if own is None:
            raise
        print(f"error: {own}", file=sys.stderr)
        sys.exit(1)
