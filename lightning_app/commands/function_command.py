"""Commands that call one function, whose arguments are their options."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from lightning_app.commands.parser_messages import end_with


class _Parser(ArgumentParser):
    """A parser whose errors are one message and not preceded by its usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        if not self.exit_on_error:  # it parses the value of an option; the parser outside knows which
            super().error(message, ex)
        end_with(message, self._actions, self.prog)


def call(
    function: Callable[..., Any], words: Sequence[str], program: str, paths: Mapping[str, str] | None = None
) -> None:
    """Calls a function with what the words of a command say.

    Args:
        function: The function; its docstring is the command's help.
        words: The words after the command's name.
        program: The command as one types it, like ``disentangle curves``.
        paths: Arguments that are paths, one or more, and given without an option's name, with their descriptions.
    """
    parser = _Parser(prog=program, description=_summary(function))
    parser.add_argument("--config", action="config", help="A file with some of the options.")
    for name, description in (paths or {}).items():
        parser.add_argument(name, nargs="+", type=Path, help=description)
    parser.add_function_arguments(function, skip=set(paths or ()))
    arguments = parser.instantiate(parser.parse_args(list(words))).as_dict()
    del arguments["config"]
    function(**arguments)


def _summary(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").partition("Args:")[0].strip()
