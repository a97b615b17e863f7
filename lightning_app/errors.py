"""Errors of a run, and how all of the project's own errors reach the user."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class RunError(RuntimeError):
    """A run cannot start or go on; the message names what is wrong and the remedy."""


class UsageError(RunError):
    """A command was mistyped: it ends with exit status 2, as all programs do then."""


@contextmanager
def one_message() -> Iterator[None]:
    """Ends the program with one message where one of the project's own errors is raised inside, or a disk is full.

    The exit status is 2 for a `UsageError` and 1 for the others.
    """
    try:
        yield
    except Exception as error:
        own = _own_error(error) or _full_disk(error)
        if own is None:
            raise
        print(f"error: {own}", file=sys.stderr)
        sys.exit(2 if isinstance(own, UsageError) else 1)


@contextmanager
def options_named(keys: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Ends the message of an error that names an argument with the option that sets it.

    Args:
        keys: Returns the keys of the configuration as far as it is parsed, like ``data.init_args.batch_size``.

    Raises:
        RunError: The message with its option, where the argument is one of the model or the data.
    """
    try:
        yield
    except Exception as error:
        own = _own_error(error)
        option = _option_of(getattr(own, "argument", None), keys())
        if option is None:
            raise
        raise RunError(f"{str(own).removesuffix('.')} ({option}).") from error


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
    # Not above: this package imports torch, for which a mistyped command does not wait.
    from modules.errors import LibraryError

    while error is not None and not isinstance(error, (LibraryError, RunError)):
        error = error.__cause__
    return error


def _full_disk(error: Exception) -> RunError | None:
    """What there is to say of a library's file that could not grow; None of other errors."""
    from datamodules.storage.whole import OUT_OF_SPACE

    if not isinstance(error, OSError) or error.errno not in OUT_OF_SPACE:
        return None
    return RunError(f"cannot write {error.filename or 'a file'}: {error.strerror}; free some space, and try again.")


def _option_of(argument: str | None, keys: Iterable[str]) -> str | None:
    """The option of the model or the data that sets an argument; of several, that of the outermost object.

    >>> _option_of("n_mels", ["data.init_args.size", "data.init_args.representation.init_args.n_mels"])
    '--data.representation.n_mels'
    """
    names = [key.replace(".init_args", "") for key in keys if key.startswith(("data.", "model."))]
    found = [name for name in names if argument is not None and name.endswith(f".{argument}")]
    return f"--{min(found, key=len)}" if found else None
