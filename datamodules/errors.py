"""The error that data sets raise when what they were asked for cannot be had, and how its messages list names."""

from collections.abc import Sequence

from modules.errors import LibraryError


class DataError(LibraryError):
    """A data set cannot be built as asked."""


def first_of(names: Sequence[str], n_named: int = 3, separator: str = ", ") -> str:
    """Joins the first of some names, and says how many more there are.

    >>> first_of(["a", "b", "c", "d", "e"])
    'a, b, c, and 2 more'
    """
    more = [f"and {len(names) - n_named} more"] if len(names) > n_named else []
    return separator.join([*names[:n_named], *more])
