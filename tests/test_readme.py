"""What the README and the pages beside it say to type exists, and their Python runs."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from lightning_app.commands import disentangle
from metrics import LatentInformation

ROOT = Path(__file__).parents[1]
NAMES = ("figures", "own_sounds", "report", "results", "runs", "sweeps", "tracking")
TEXT = (ROOT / "README.md").read_text()
PAGES = {page: (ROOT / page).read_text() for page in ("README.md", *(f"docs/{name}.md" for name in NAMES))}


def commands_of(page: str) -> list[str]:
    whole_lines = PAGES[page].replace("\\\n", "")
    return re.findall(r"^disentangle ([\w-]+ .*?)(?: +#.*)?$", whole_lines, flags=re.MULTILINE)


@pytest.mark.parametrize("command", dict.fromkeys(command for page in PAGES for command in commands_of(page)))
def test_command_is_accepted(command, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    # The record of a run, and what a sweep has found, have the same keys as the configuration they were started with.
    run = r"^(fit|validate|test|predict) (.*?)(?:--run \S+|-c \S+/best\.yaml)"
    arguments = shlex.split(re.sub(run, r"\1 \2-c ts_dsae", command))

    with pytest.raises(SystemExit) as exit_:
        disentangle.main([*arguments, "--print_config"])

    assert exit_.value.code == 0, capsys.readouterr().err


def test_every_command_has_an_example():
    assert {command.split()[0] for command in commands_of("README.md")} == disentangle.COMMANDS.keys() - {"completion"}
    assert "disentangle completion bash" in TEXT


def test_metrics_need_no_run():
    (code,) = re.findall(r"```python\n(import numpy.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, Any] = {}

    exec(code, names)

    assert isinstance(names["metric"], LatentInformation)


def test_names_are_explained_before_they_are_used():
    before_the_table = TEXT[: TEXT.index("┏")]
    for name in ("**v**", "**z**", "*instrument*", "*melody*", "*global swap*", "*local swap*", "*source*", "*target*"):
        assert name in before_the_table
