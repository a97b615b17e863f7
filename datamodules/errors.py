"""The error that data sets raise when what they were asked for cannot be had."""


class DataError(ValueError):
    """A data set cannot be built as asked; the message names what is wrong and the remedy."""
