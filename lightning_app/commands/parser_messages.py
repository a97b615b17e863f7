"""What the parser says of a mistyped option, in one line that names the option and what is nearest to it."""

import re
import sys
from argparse import Action
from collections.abc import Iterable
from typing import NoReturn

from lightning_app.errors import did_you_mean

_UNKNOWN = re.compile(
    r"Option '([^']+)' is not accepted|does not accept option '([^']+)'|unrecognized arguments: --([^=\s]+)"
)
_TYPES = {
    "<class 'NoneType'>": "null",
    "<class 'bool'>": "true or false",
    "<class 'int'>": "an integer",
    "<class 'float'>": "a number",
    "<class 'str'>": "a text",
    "<class 'tuple'>": "a list like [4]",
    "<class 'list'>": "a list like [4]",
    "<class 'dict'>": "a mapping like {name: value}",
}


def end_with(message: str, actions: Iterable[Action], program: str) -> NoReturn:
    """Ends the program with one message about a mistyped option, and exit status 2.

    Args:
        message: What the parser says.
        actions: The options that the parser knows.
        program: The program as one types it.
    """
    actions = list(actions)
    if (lacking := re.fullmatch(r"the following arguments are required: (.+)", message)) is not None:
        message = f"this needs {', '.join(_written(name, actions) for name in lacking[1].split(', '))}."
    print(f"error: {in_one_line(with_nearest(message, actions))}\nSee {program} --help.", file=sys.stderr)
    sys.exit(2)


def with_nearest(message: str, actions: Iterable[Action]) -> str:
    """Adds the nearest option to a message about an unknown one.

    Args:
        message: What the parser says.
        actions: The options that the parser knows.
    """
    unknown = _UNKNOWN.search(message)
    if unknown is None or "Did you mean" in message:
        return message
    return message + did_you_mean(unknown[unknown.lastindex or 0], [action.dest for action in actions])


def in_one_line(message: str) -> str:
    r"""Shortens a message of nested parsers; one that is not understood stays as it is.

    >>> in_one_line('Parser key "model":\n  Option \'zdim\' is not accepted Did you mean z_dim?')
    'there is no option --model.zdim. Did you mean --model.z_dim?'
    >>> in_one_line('Parser key "data":\n  Parser key "seed":\n    Expected a <class \'int\'>. Got value: many')
    '--data.seed takes an integer, not many.'
    >>> in_one_line('Parser key "clips":\n  Not of type PositiveInt: 0 does not conform to restriction v>0')
    '--clips takes a number that is more than 0, not 0.'
    """
    keys = [key for key in re.findall(r'Parser key "([^"]+)"', message) if key != "config"]
    prefix = "".join(f"{key}." for key in keys)
    if (unknown := _UNKNOWN.search(message)) is not None:
        near = re.search(r"Did you mean (\S+)\?", message)
        nearest = f" Did you mean --{prefix}{near[1]}?" if near else ""
        return f"there is no option --{prefix}{unknown[unknown.lastindex or 0]}.{nearest}"
    if (name := re.search(r"Expected a dot import path string: (\w+)", message)) is not None and len(keys) == 1:
        return f"--{keys[0]}: there is no class {name[1]}.{did_you_mean(name[1], _class_names(message))}"
    if keys and (limited := re.search(r"Not of type \w+: (.+?) does not conform to restriction v(>=?)(\S+)", message)):
        least = f"{limited[3]} or more" if limited[2] == ">=" else f"more than {limited[3]}"
        return f"--{'.'.join(keys)} takes a number that is {least}, not {limited[1]}."
    given = re.search(r"Got value: (.+)|Given value: (.+)", message)
    inner = message[: given.end()] if given else message
    expected = re.findall(r"Expected a (<class '\w+'>|typing\.Literal\[.+?\])", inner)
    if not keys or given is None or not expected:
        return message
    return (
        f"--{'.'.join(keys)} takes {' or '.join(dict.fromkeys(map(_in_words, expected)))}, not {given[1] or given[2]}."
    )


def _written(name: str, actions: Iterable[Action]) -> str:
    """An argument as one types it."""
    options = [action.option_strings for action in actions if action.dest == name]
    return options[0][0] if options and options[0] else name.upper()


def _in_words(expected: str) -> str:
    if expected.startswith("typing.Literal"):
        return " or ".join(re.findall(r"'(\w[^']*)'", expected))
    return _TYPES.get(expected, expected)


def _class_names(message: str) -> list[str]:
    """The names of all classes that the option might have meant."""
    found = re.findall(r"<class '([\w.]+)\.(\w+)'>", message)
    classes = [getattr(sys.modules.get(module), name, None) for module, name in found]
    names: list[str] = []
    while classes:
        one = classes.pop()
        if isinstance(one, type):
            names.append(one.__name__)
            classes += one.__subclasses__()
    return names
