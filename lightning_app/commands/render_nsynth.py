"""Renders notes in NSynth's layout: ``disentangle render-nsynth --destination FOLDER``."""

from collections.abc import Sequence

from jsonargparse import auto_cli

from datamodules.nsynth.rendered import render_to


def main(words: Sequence[str]) -> None:
    """Renders the notes that the options choose."""
    auto_cli(render_to, args=list(words), as_positional=False, prog="disentangle render-nsynth")
