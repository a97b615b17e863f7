"""The script that makes sure of FluidSynth and a soundfont."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "install-fluidsynth.sh"


def _run(tmp_path, **environment):
    """Runs it where there is neither apt-get nor sudo, as on macOS."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "cat", "id", "ldconfig"):
        if where := shutil.which(tool, path=os.defpath + ":/sbin:/usr/sbin"):
            (tools / tool).symlink_to(where)
    return subprocess.run(
        [str(SCRIPT), sys.executable],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tools), **environment},
    )


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}], ids=["at home", "in CI"])
def test_says_nothing_when_all_is_there(tmp_path, environment):
    done = _run(tmp_path, **environment)

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_says_what_to_install_where_it_may_not(tmp_path):
    done = _run(tmp_path, DISENTANGLE_SOUNDFONT="/nowhere/font.sf3")

    assert done.returncode == 1
    for words in (
        "/nowhere/font.sf3",
        "apt-get install",
        "brew install",
        "conda install",
        "export DISENTANGLE_SOUNDFONT",
    ):
        assert words in done.stderr
