"""Figures of the papers from finished runs: ``disentangle-figure dmig --run runs/ar_vae``."""

from jsonargparse import auto_cli

from lightning_app.errors import one_message
from lightning_app.figures.dmig import dmig

__all__ = ["dmig", "main"]


def main(args: list[str] | None = None) -> None:
    """Runs the command line; each figure is a subcommand."""
    with one_message():
        auto_cli({"dmig": dmig}, args=args, as_positional=False)
