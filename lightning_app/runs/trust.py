"""What the record of a run may name that was written elsewhere: a configuration is code, since it names classes.

A record that this machine has signed (`lightning_app.runs.signature`) may name anything that its user could. Any other
may name classes of this project, those of torch and Lightning that configurations need, and those of packages that the
user trusts. jsonargparse refuses all else before it is imported. Files that hold code, such as TorchScript, are refused
by what would load them.
"""

import os
import re
import sys
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from jsonargparse import set_parsing_settings
from jsonargparse._common import parsing_settings  # the policy can be set from outside, but not taken back

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.signature import is_signed_here

VARIABLE = "DISENTANGLE_TRUSTED_PACKAGES"
"""The environment variable with the packages that the user trusts, like ``mine,theirs``."""

_ALLOWED = (
    *("datamodules", "modules", "metrics", "lightning_app.callbacks", "lightning_app.tracking"),
    *("torch.optim", "torch.nn", "torchaudio.transforms", "lightning.pytorch.cli.ReduceLROnPlateau"),
    *(f"lightning.pytorch.{part}" for part in ("callbacks", "loggers", "profilers", "strategies")),
    *(f"lightning.{part}" for part in ("pytorch.plugins", "pytorch.accelerators", "fabric.plugins", "fabric.loggers")),
)
# It calls whatever it is given.
_DENIED = tuple(f"lightning.pytorch.callbacks.{path}" for path in ("LambdaCallback", "lambda_function"))
_RECORDS = re.compile(r"config(\.(validate|test|predict))?\.yaml")
_SHORTEST = len("--r")
_SEPARATORS = re.compile(r"[\s,=\[\]'\"]+")
_REFUSED = re.compile(r"Importing '([^']+)' is not allowed")


def foreign_records(words: Sequence[str]) -> list[Path]:
    """Finds the records of runs from elsewhere that a command is to read.

    Args:
        words: The arguments of ``disentangle``.

    Returns:
        Those of ``--run``, and files of ``--config`` that lie in a run's folder, as far as this machine has not signed
        them. None where ``--trust`` is among the words.
    """
    if "--trust" in words:
        return []
    found = [RunFolder(Path(run).expanduser()).config for run in _values(words, "--run")]
    found += [path for name in _values(words, "-c", "--config") if _is_record(path := Path(name).expanduser())]
    return [path for path in dict.fromkeys(found) if not is_signed_here(path)]


class _Restriction(NamedTuple):
    records: Sequence[Path]
    words: Sequence[str]


_restriction: ContextVar[_Restriction | None] = ContextVar("restriction", default=None)


@contextmanager
def restricted(records: Sequence[Path], words: Sequence[str] = ()) -> Iterator[None]:
    """Lets nothing be imported inside by jsonargparse that records from elsewhere may not name.

    Args:
        records: The records; without any, nothing is restricted.
        words: What the user has typed: the packages of classes that are named there may be imported.

    Raises:
        RunError: A class or a function was refused; names it, the file, and the remedy.
    """
    if not records:
        yield
        return
    before = dict(parsing_settings)
    allowed = [*_ALLOWED, *_trusted_packages(), *_typed_packages(words)]
    set_parsing_settings(import_path_denylist=["*", *_DENIED], import_path_allowlist=allowed)
    token = _restriction.set(_Restriction(records, words))
    try:
        yield
    except (ArgumentError, ImportError, ValueError, TypeError) as error:
        if (refused := _REFUSED.search(str(error))) is None:
            raise
        raise RunError(_explained(refused[1], records)) from error
    finally:
        _restriction.reset(token)
        parsing_settings.update(before)


def refuse_foreign_code(file: str, key: str) -> None:
    """Refuses a file with code that a record from elsewhere names; to be asked before it is loaded.

    Args:
        file: Its path, as the configuration has it.
        key: Key of the option that names it, such as ``evaluation.fad``.

    Raises:
        RunError: The file is not among the words that the user has typed for an option of that slot.
    """
    restriction = _restriction.get()
    if restriction is None or file in _typed_values(restriction.words, key.partition(".")[0]):
        return
    raise RunError(
        f"{' or '.join(map(str, restriction.records))} names {file} as {key}, a file with code. It was not written on "
        f"this machine, or was changed since. If you trust that file, type it (--{key} '[{file}]'), or give --trust; "
        f"--{key} '[]' leaves it out."
    )


def is_refusal(message: str) -> bool:
    """Tells whether a message of jsonargparse says that an import was refused."""
    return _REFUSED.search(message) is not None


def _explained(path: str, records: Sequence[Path]) -> str:
    package = path.partition(".")[0]
    known = {*sys.stdlib_module_names, *(allowed.partition(".")[0] for allowed in _ALLOWED)}
    trusting = f"set {VARIABLE}={package}, or " if package not in known else ""
    return (
        f"{' or '.join(map(str, records))} names {path}. It was not written on this machine, or was changed since, so "
        "it may name classes of this project, and the usual ones of torch and Lightning, alone: a configuration is "
        "code. "
        f"If you know what {path} does, {trusting}give --trust (in Python, load_run(..., trust=True))."
    )


def _trusted_packages() -> list[str]:
    names = [name for name in re.split(r"[,\s]+", os.environ.get(VARIABLE, "")) if name]
    if wrong := [name for name in names if not all(part.isidentifier() for part in name.split("."))]:
        raise RunError(f"{VARIABLE} has {wrong[0]!r}; it takes names of packages, like mine,theirs.")
    return names


def _typed_packages(words: Sequence[str]) -> list[str]:
    """The packages of the classes that are typed as values of options."""
    values = (word.rpartition("=")[2] for word in words)
    paths = [value.split(".") for value in values if "." in value and all(map(str.isidentifier, value.split(".")))]
    return [path[0] for path in paths if path[0] not in sys.stdlib_module_names]


def _typed_values(words: Sequence[str], slot: str) -> set[str]:
    """What is typed as values of the options of a slot, each entry of a list by itself."""
    typed: set[str] = set()
    of_slot = False
    for word in words:
        is_option = word.startswith("--")
        of_slot = word.startswith(f"--{slot}.") if is_option else of_slot
        if of_slot:
            typed.update(_SEPARATORS.split(word.partition("=")[2] if is_option else word))
    return typed


def _is_record(path: Path) -> bool:
    """Whether a file is a run's own: it is called so, and has what else a run has beside it."""
    beside = ("checkpoints", "media", "training.json", "machine*.json", "evaluation.json")
    return bool(_RECORDS.fullmatch(path.name)) and any(any(path.parent.glob(pattern)) for pattern in beside)


def _values(words: Sequence[str], *options: str) -> Iterator[str]:
    """The values of options, which argparse takes in shorter forms too: ``--conf FILE``, ``-cFILE``."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if not word.startswith("--") and word[:2] in options:
            yield word[2:].removeprefix("=") or following
        elif len(name) > _SHORTEST and any(option.startswith(name) for option in options):
            yield value if equals else following
