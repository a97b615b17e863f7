"""Renders notes in NSynth's layout: ``disentangle render-nsynth --destination FOLDER``."""

from collections.abc import Sequence

from datamodules.nsynth.rendered import render_to
from lightning_app.commands.function_command import call_function


def main(words: Sequence[str]) -> None:
    """Renders the notes that the options choose."""
    call_function(render_to, words, "disentangle render-nsynth")
