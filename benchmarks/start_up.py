"""Times how soon the command line answers: help, and mistakes that need no model."""

import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

_COMMANDS = (
    "--help",
    "--version",
    "figure --help",
    "fitt",
    "figure dmg",
    "fit -c ts_dsea",
    "fit -c ts_dsae --data nsynt",
)


def main(repeats: int = 5) -> None:
    """Prints the fastest of a few starts of each command."""
    table = Table("disentangle", "seconds", title="Start-up")
    for command in _COMMANDS:
        table.add_row(command, f"{min(_seconds(command) for _ in range(repeats)):.2f}")
    Console().print(table)


def _seconds(command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-m", "lightning_app", *command.split()], capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
