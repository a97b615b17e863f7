"""Figures of the papers from finished runs: ``disentangle-figure dmig --run runs/ar_vae``."""

from jsonargparse import auto_cli

from lightning_app.errors import one_message
from lightning_app.figures.dmig import dmig
from lightning_app.figures.global_factors import global_factors

__all__ = ["dmig", "global_factors", "main"]


def main(args: list[str] | None = None) -> None:
    """Runs the command line; each figure is a subcommand."""
    with one_message():
        auto_cli({"dmig": dmig, "global_factors": global_factors}, args=args, as_positional=False)
