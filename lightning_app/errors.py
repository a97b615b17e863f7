"""Errors of a run, and how all of the project's own errors reach the user."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class RunError(RuntimeError):
    """A run cannot start or go on; the message names what is wrong and the remedy."""


class UsageError(RunError):
    """A command was mistyped: it ends with exit status 2, as all programs do then."""


@contextmanager
def one_message() -> Iterator[None]:
    """Ends the program with one message where one of the project's own errors is raised inside.

    The exit status is 2 for a `UsageError` and 1 for the others.
    """
    try:
        yield
    except Exception as error:
        own = _own_error(error)
        if own is None:
            raise
        print(f"error: {own}", file=sys.stderr)
        sys.exit(2 if isinstance(own, UsageError) else 1)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Names what is nearest to a mistyped name, to end a message with; empty where nothing is near.

    >>> did_you_mean("zdim", ["v_dim", "z_dim"])
    ' Did you mean z_dim?'
    """
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _own_error(error: BaseException | None) -> BaseException | None:
    """The error of the project behind an error; jsonargparse wraps in its own what a class raises on creation."""
    if isinstance(error, RunError):
        return error
    # Not above: these packages import torch, for which a mistyped command does not wait.
    from datamodules.errors import DataError
    from modules.errors import ModelError

    while error is not None and not isinstance(error, (DataError, ModelError, RunError)):
        error = error.__cause__
    return error
