"""Renders notes in NSynth's layout: ``disentangle-render-nsynth --destination FOLDER``."""

from jsonargparse import auto_cli

from datamodules.nsynth.rendered import render_to
from lightning_app.errors import one_message


def main(args: list[str] | None = None) -> None:
    """Runs the command line."""
    with one_message():
        auto_cli(render_to, args=args, as_positional=False)
