"""The scripts: they make sure of FluidSynth, a soundfont and PostgreSQL, and one tests as other processors would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def _run(tmp_path, **environment):
    """Runs it where there is neither apt-get nor sudo, as on macOS."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "cat", "id", "ldconfig"):
        if where := shutil.which(tool, path=os.defpath + ":/sbin:/usr/sbin"):
            (tools / tool).symlink_to(where)
    return subprocess.run(
        [str(SCRIPTS / "install-fluidsynth.sh"), sys.executable],
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


def test_postgresql_that_may_not_be_installed_is_no_error(tmp_path):
    """The tests that need it are skipped then."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run([str(SCRIPTS / "install-postgresql.sh")], capture_output=True, text=True, env={"PATH": path})

    assert done.returncode == 0, done.stderr
    assert done.stdout == "" or "so its tests are skipped" in done.stdout


def test_settings_of_processors_reach_the_tests_and_those_that_fail_are_named(tmp_path):
    test = tmp_path / "test_kernels.py"
    test.write_text(
        "import os\n"
        "def test_kernels(): assert os.environ['ATEN_CPU_CAPABILITY'] != 'default'\n"
        "def test_threads(): assert os.environ['OMP_NUM_THREADS'] != '4'\n"
    )
    command = [sys.executable, str(SCRIPTS / "test_processors.py"), "--jobs", "0", str(test)]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1"}

    done = subprocess.run(command, capture_output=True, text=True, env=environment)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == ["ATEN_CPU_CAPABILITY='default'", "OMP_NUM_THREADS='4'"]
