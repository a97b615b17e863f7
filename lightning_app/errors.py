"""The error of an experiment that cannot go on."""


class RunError(RuntimeError):
    """A run cannot start or go on; the message names what is wrong and the remedy."""
