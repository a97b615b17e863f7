"""The errors of models, and of all that can name the argument that is to blame."""


class LibraryError(ValueError):
    """What was asked for cannot be done; the message names what is wrong and the remedy.

    Args:
        message: The message.
        argument: Name of the argument that is to blame, if it is one. That of an object that is itself an argument may
            be told apart by a path, like ``representation.size``. The command line tells its option from it.
    """

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class ModelError(LibraryError):
    """A model cannot be built, loaded or run as asked."""
