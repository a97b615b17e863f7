"""A table of commands, and the choice of one by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lightning_app.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        help: What it does, in one line.
        run: Runs it with the words that follow its name. It imports what it needs only then, so that the others do not
            wait for it.
    """

    help: str
    run: Callable[[Sequence[str]], None]


def run_command(program: str, description: str, commands: Mapping[str, Command], words: Sequence[str]) -> None:
    """Runs the command that the first word names; without any, or for ``--help``, lists them.

    Args:
        program: What is typed before the command's name.
        description: What the program is, in one line.
        commands: The commands by their names.
        words: The command's name and its arguments.

    Raises:
        UsageError: The first word names no command.
    """
    if not words or words[0] in ("-h", "--help"):
        print(_listed(program, description, commands))
    elif words[0] in commands:
        commands[words[0]].run(words[1:])
    else:
        raise UsageError(
            f"there is no `{program} {words[0]}`.{did_you_mean(words[0], commands)} There are {', '.join(commands)}; "
            f"`{program} --help` says what each does."
        )


def _listed(program: str, description: str, commands: Mapping[str, Command]) -> str:
    width = max(map(len, commands))
    lines = [f"  {name:{width}}  {command.help}" for name, command in commands.items()]
    usage = f"usage: {program} COMMAND [OPTIONS]\n\n{description}\n\ncommands:\n"
    return usage + "\n".join(lines) + f"\n\n`{program} COMMAND --help` lists the options of a command."
