"""Draws a figure from finished runs: ``disentangle figure dmig --run runs/ar_vae``.

A name with a dot is that of a function from elsewhere: ``disentangle figure mypkg.my_figure --run runs/mine``.
"""

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from lightning_app.commands.table import Command, run_command
from lightning_app.errors import UsageError


def main(words: Sequence[str]) -> None:
    """Draws the figure that the first word names."""
    module, _, name = words[0].rpartition(".") if words else ("", "", "")
    if module:
        _draw(module, name, words[1:])
    else:
        run_command("disentangle figure", "Draws a figure of the papers from finished runs.", FIGURES, words)


def _draw(module: str, name: str, words: Sequence[str]) -> None:
    from lightning_app.commands.function_command import call_function

    try:
        figure = getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UsageError(f"there is no figure {module}.{name}: {error}.") from error
    call_function(figure, words, f"disentangle figure {name}")


FIGURES = {
    name: Command(help_, partial(_draw, f"lightning_app.figures.{module}", name))
    for name, module, help_ in (
        ("dmig", "dmig", "SCC, MIG and DMIG of the regularised dimensions over the epochs"),
        ("swap_f1", "swap_f1", "Macro F1 after the global and the local swap, for each model"),
        ("fad", "fad", "Fréchet audio distance against macro F1 after the global swap"),
        ("evidence", "evidence", "Scores that tell models apart, over z_dim, with intervals over seeds"),
        ("rpa", "rpa", "Raw pitch accuracy before and after the swaps"),
        ("richer_decoder", "fad", "Fréchet audio distance against macro F1, with the richer decoder"),
        ("correlated_factors", "correlated_factors", "MIG, DMIG, XMIG and SCC over the correlation of two factors"),
        ("global_factors", "global_factors", "A clip with the v of clips of another instrument, octave, or both"),
    )
}
