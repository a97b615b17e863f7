"""Figures of the papers from finished runs: ``disentangle-figure dmig --run runs/ar_vae``."""

from jsonargparse import auto_cli

from lightning_app.errors import one_message
from lightning_app.figures.dmig import dmig
from lightning_app.figures.fad import fad, richer_decoder
from lightning_app.figures.global_factors import global_factors
from lightning_app.figures.rpa import rpa
from lightning_app.figures.swap_f1 import swap_f1

__all__ = ["dmig", "fad", "global_factors", "main", "richer_decoder", "rpa", "swap_f1"]


def main(args: list[str] | None = None) -> None:
    """Runs the command line; each figure is a subcommand."""
    with one_message():
        auto_cli([dmig, swap_f1, fad, rpa, richer_decoder, global_factors], args=args, as_positional=False)
