"""What the README says to type exists."""

import re
import shlex
from pathlib import Path

import pytest

from lightning_app.commands import disentangle

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^disentangle ([\w-]+ .*?)(?: +#.*)?$", TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_accepted(command, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    # The record of a run has the same keys as the configuration it was started with.
    arguments = shlex.split(command.replace("--run runs/mine", "-c ts_dsae"))

    with pytest.raises(SystemExit) as exit_:
        disentangle.main([*arguments, "--print_config"])

    assert exit_.value.code == 0, capsys.readouterr().err


def test_there_are_commands():
    assert {command.split()[0] for command in COMMANDS} == disentangle.COMMANDS.keys() - {"completion"}


def test_targets_and_files_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z-]+)", TEXT)):
        assert re.search(rf"^{target}:.*## ", makefile, flags=re.MULTILINE), target
    for path in re.findall(r"\]\(((?!http)[^)]+)\)", TEXT) + re.findall(r"configs/[\w/]+\.yaml", TEXT):
        assert (ROOT / path).is_file(), path
