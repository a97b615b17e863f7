"""Commands that call one function, whose arguments are their options."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

from docstring_parser import parse
from jsonargparse import ArgumentParser

from lightning_app.commands.parser_messages import end_with


class _Parser(ArgumentParser):
    """A parser whose errors are one message and not preceded by its usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        if not self.exit_on_error:  # it parses the value of an option; the parser outside knows which
            super().error(message, ex)
        end_with(message, self._actions, self.prog)


def call_function(
    function: Callable[..., Any], words: Sequence[str], program: str, positional: Sequence[str] = ()
) -> None:
    """Calls a function with what the words of a command say.

    An argument that is a ``Sequence[Path]`` takes all paths that follow its option. One that is false unless it is
    given needs no value: ``--overwrite`` is ``--overwrite true``.

    Args:
        function: The function; its docstring is the command's help.
        words: The words after the command's name.
        program: The command as one types it, like ``disentangle curves``.
        positional: Arguments that are given without an option's name. One that is a sequence of paths takes all that
            is given.
    """
    documented = parse(function.__doc__ or "")
    described = {one.arg_name: one.description for one in documented.params}
    parser = _Parser(prog=program, description=documented.description)
    parser.add_argument("--config", action="config", help="A file with some of the options.")
    parameters = signature(function).parameters
    for name in positional:
        kind = parameters[name].annotation
        taken: dict[str, Any] = _PATHS if get_origin(kind) else {"type": kind}
        parser.add_argument(name, help=described[name], **taken)
    options = {name: _option(one) for name, one in parameters.items() if name not in positional and _option(one)}
    for name, option in options.items():
        parser.add_argument(f"--{name}", help=described[name], **option)
    parser.add_function_arguments(function, skip={*positional, *options})
    arguments = parser.instantiate(parser.parse_args(list(words))).as_dict()
    del arguments["config"]
    function(**arguments)


_PATHS: dict[str, Any] = {"nargs": "+", "type": Path}


def _option(parameter: Parameter) -> dict[str, Any]:
    """What jsonargparse does not make of an argument by itself; empty where there is nothing."""
    if parameter.annotation is bool and parameter.default is False:
        return {"type": bool, "nargs": "?", "const": True, "default": False}
    if Sequence[Path] not in (parameter.annotation, *get_args(parameter.annotation)):
        return {}
    needed = parameter.default is Parameter.empty
    return _PATHS | ({"required": True} if needed else {"default": parameter.default})
