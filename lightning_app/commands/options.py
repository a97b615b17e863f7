"""Lists the options of a configuration: ``disentangle options -c ts_dsae --data urmp``."""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightning_app.cli import CALLBACK_SLOTS, DisentangleCLI
from lightning_app.commands.config_files import with_paths

_OF_A_RUN = ("name", "seed_everything", "ckpt_path")
_OF_THE_TRAINER = (
    *("max_epochs", "max_steps", "max_time", "accelerator", "devices", "strategy", "precision"),
    *("gradient_clip_val", "accumulate_grad_batches", "check_val_every_n_epoch", "limit_train_batches"),
    *("default_root_dir", "enable_progress_bar"),
)


class Option(NamedTuple):
    """An option, what it is in the configuration, and what it means."""

    name: str
    value: str
    description: str


class _Parsed(DisentangleCLI):
    """The command line up to where a run would be made."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(["fit", *words])

    def _parse_ckpt_path(self) -> None: ...

    def _set_seed(self) -> None: ...

    def instantiate_classes(self) -> None: ...

    def after_instantiate_classes(self) -> None: ...

    def _run_subcommand(self, subcommand: str) -> None: ...


def main(words: Sequence[str]) -> None:
    """Prints the options that apply to the configuration that the words give, as those of ``fit`` do."""
    console = Console()
    for group, options in option_groups(with_paths(words)).items():
        table = Table("option", "value", "description", title=group, title_justify="left", box=None, expand=True)
        table.columns[0].no_wrap = True
        table.columns[1].max_width, table.columns[1].overflow = 36, "fold"
        for option in options:
            table.add_row(*map(Text, option))
        console.print(table, "")


def option_groups(words: Sequence[str]) -> dict[str, list[Option]]:
    """Collects the options by what they are of: the run, the model, the data, the trainer, and each callback.

    Args:
        words: The arguments of ``disentangle fit``.
    """
    cli = _Parsed(words)
    config: Namespace = cli.config["fit"]
    help_of = {action.dest: action.help or "" for action in cli._parser("fit")._actions}

    def plain(key: str) -> Option:
        return Option(f"--{key}", _typed(config.get(key)), _line(help_of.get(key, "")))

    groups = {"Run": [plain(key) for key in _OF_A_RUN]}
    groups |= {slot.capitalize(): list(_of_class(slot, config.get(slot), slot)) for slot in ("model", "data")}
    groups["Trainer"] = [plain(f"trainer.{key}") for key in _OF_THE_TRAINER]
    for slot in ("optimizer", "lr_scheduler", *CALLBACK_SLOTS):
        if config.get(slot) is not None:
            groups[slot] = list(_of_class(slot, config.get(slot), slot))
    return groups


def _of_class(key: str, chosen: Namespace, description: str) -> Iterator[Option]:
    """The class that an option chooses, and the options of that class."""
    yield Option(f"--{key}", chosen.class_path, f"Class of the {description.replace('_', ' ')}.")
    module, _, name = chosen.class_path.rpartition(".")
    parser = LightningArgumentParser(exit_on_error=False)
    parser.add_class_arguments(getattr(import_module(module), name), fail_untyped=False)
    arguments = chosen.get("init_args", Namespace())
    for action in parser._actions:
        if action.dest not in arguments or action.dest == "help":
            continue
        value = arguments.get(action.dest)
        if isinstance(value, Namespace) and "class_path" in value:
            yield from _of_class(f"{key}.{action.dest}", value, action.dest)
        elif not isinstance(value, Namespace):
            yield Option(f"--{key}.{action.dest}", _typed(value), _line(action.help or ""))


def _typed(value: Any) -> str:
    """A value as one would type it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_typed, value))}]"
    return str(value)


def _line(text: str) -> str:
    """The first sentence of a description, without the marks of code."""
    return re.split(r"(?<=\w[.)`])\s+(?=[A-Z])", text.replace("`", ""), maxsplit=1)[0].replace("\n", " ")
