"""The error that data sets raise when what they were asked for cannot be had."""

from modules.errors import LibraryError


class DataError(LibraryError):
    """A data set cannot be built as asked."""
