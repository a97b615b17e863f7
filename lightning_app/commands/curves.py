"""Draws the curves of runs: ``disentangle curves runs/a runs/b``."""

from collections.abc import Sequence

from lightning_app.commands.function_command import call_function
from lightning_app.figures.curves import curves


def main(words: Sequence[str]) -> None:
    """Draws what the named runs have logged."""
    call_function(curves, words, "disentangle curves", positional=["runs"])
