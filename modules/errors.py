"""The error that models raise when they cannot do what they were asked for."""


class ModelError(ValueError):
    """A model cannot be built, loaded or run as asked; the message names what is wrong and the remedy."""
