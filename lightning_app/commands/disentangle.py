"""The command ``disentangle``: which commands there are, and how each of them starts and ends.

Nothing is imported here that takes long, so that help and mistakes are answered at once.
"""

import re
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from lightning_app import __version__
from lightning_app.commands.config_files import with_paths
from lightning_app.commands.table import Command, run_command
from lightning_app.errors import one_message
from lightning_app.own_packages import explain_import_error, refuse_foreign_packages
from lightning_app.termination import Terminated, raised_at_sigterm


def main(words: Sequence[str] | None = None) -> None:
    """Runs the command line; mistakes and the project's own errors end it with one message.

    The exit status is 130 where Ctrl-C has ended it, and 143 where SIGTERM has.
    """
    words = with_home_folder(sys.argv[1:] if words is None else words)
    with one_message(), raised_at_sigterm():
        refuse_foreign_packages()
        if list(words) == ["--version"]:
            print(f"disentangle {__version__}")
            return
        try:
            run_command("disentangle", "Disentangled representations of music audio.", COMMANDS, words)
        except ImportError as error:
            if (known := explain_import_error(error)) is not None:
                raise known from error
            raise
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            sys.exit(130)
        except Terminated:
            print("Ended by SIGTERM.", file=sys.stderr)
            raise


def with_home_folder(words: Sequence[str]) -> list[str]:
    """Expands ``~/`` where a value starts with it, which shells do not do in ``--runs=~/mine``."""
    return [re.sub("^(--[^=]+=)?~/", lambda start: f"{start[1] or ''}{Path.home()}/", word) for word in words]


def _lightning(subcommand: str, words: Sequence[str]) -> None:
    words = with_paths(words)
    from lightning_app.cli import main as run

    run([subcommand, *words])


def _module(name: str, words: Sequence[str]) -> None:
    import_module(f"lightning_app.commands.{name}").main(words)


COMMANDS = {
    "fit": Command("Train a model.", partial(_lightning, "fit")),
    "validate": Command("Measure a trained model's loss on the validation clips.", partial(_lightning, "validate")),
    "test": Command("Evaluate a trained model.", partial(_lightning, "test")),
    "predict": Command("Write the encodings of all clips by a trained model.", partial(_lightning, "predict")),
    "inspect": Command("Say what there is in a folder of recordings of one's own.", partial(_module, "inspect")),
    "runs": Command("List the runs of a folder, with their states and scores.", partial(_module, "runs")),
    "compare": Command("Say what tells two runs apart on the same clips.", partial(_module, "compare")),
    "curves": Command("Draw what several runs have logged over one another.", partial(_module, "curves")),
    "experiment": Command("Make the runs behind a figure that are not finished.", partial(_module, "experiment")),
    "sweep": Command("Try values of options, and tell which are best.", partial(_module, "sweep")),
    "figure": Command("Draw a figure from finished runs.", partial(_module, "figure")),
    "report": Command("Write a page of runs to read and to listen to.", partial(_module, "report")),
    "swap": Command("Swap the latents of sounds of one's own by a trained model.", partial(_module, "swap")),
    "encode": Command("Write the latents of sounds of one's own to a table.", partial(_module, "encode")),
    "generate": Command("Draw sounds from the prior of a trained model.", partial(_module, "generate")),
    "traverse": Command("Move an attribute of a sound of one's own through its range.", partial(_module, "traverse")),
    "app": Command("Open a page where a trained model is tried on sounds of one's own.", partial(_module, "app")),
    "options": Command("List the options that apply to a configuration.", partial(_module, "options")),
    "render-nsynth": Command("Render notes in the layout of NSynth.", partial(_module, "render_nsynth")),
    "completion": Command("Print what makes a shell complete these commands.", partial(_module, "completion")),
}
