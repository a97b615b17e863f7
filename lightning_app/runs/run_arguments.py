"""``--run FOLDER``: a run's own configuration, checkpoint and folder, as arguments of the command line."""

from collections.abc import Sequence
from pathlib import Path

from lightning_app.runs.run_folder import RunFolder

_EVALUATE = ("validate", "test", "predict")


def with_run_arguments(arguments: Sequence[str]) -> list[str]:
    """Replaces ``--run FOLDER`` by what it stands for; all other arguments come later, and so override it.

    An evaluation takes the best checkpoint. ``fit`` goes on only where it is told so, by ``--ckpt_path last``.

    Args:
        arguments: Arguments of ``disentangle``, the subcommand first.

    Raises:
        RunError: The folder is not that of a run.
    """
    subcommand, *rest = arguments or [""]
    named = [number for number, word in enumerate(rest) if word == "--run" or word.startswith("--run=")]
    if subcommand not in ("fit", *_EVALUATE) or not named:
        return list(arguments)
    name = named[-1]
    if rest[name] == "--run" and name + 1 == len(rest):
        return list(arguments)  # the parser says that it expects a folder
    with_value = rest[name] == "--run"
    folder = RunFolder(Path(rest[name + 1] if with_value else rest[name].removeprefix("--run=")).expanduser())
    folder.read_config()
    checkpoint = ["--ckpt_path", str(folder.best_checkpoint)] if subcommand in _EVALUATE else []
    taken = ["-c", str(folder.config), "--trainer.default_root_dir", str(folder.path), *checkpoint]
    return [subcommand, *taken, *rest[:name], *rest[name + 1 + with_value :]]
