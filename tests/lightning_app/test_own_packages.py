"""Folders of others that are called like the project's packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = str(Path(sys.executable).with_name("disentangle"))
FOREIGN = "raise SystemExit('a foreign package was imported')\n"


def foreign(folder, *names, content=FOREIGN):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(content)
    return folder


def run(*words, cwd, path=""):
    return subprocess.run(words, cwd=cwd, env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, text=True)


@pytest.mark.parametrize("way", ["console script", "module", "own program"])
def test_foreign_folders_are_not_imported(tmp_path, way):
    foreign(tmp_path, "metrics", "modules", "datamodules")
    arguments = ["fit", "-c", "ts_dsae", "--print_config"]
    own = "from lightning_app.commands.disentangle import main; main()"
    program = {"console script": [SCRIPT], "module": [sys.executable, "-m", "lightning_app"]}

    # The working directory is on the path of `python -m` and `python -c`, and PYTHONPATH is on that of all.
    done = run(*program.get(way, [sys.executable, "-c", own]), *arguments, cwd=tmp_path, path=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "class_path: modules.DSAE" in done.stdout


def test_foreign_package_that_is_already_imported_is_named(tmp_path):
    foreign(tmp_path, "modules", content="")
    program = "import modules; from lightning_app.commands.disentangle import main; main()"

    done = run(sys.executable, "-c", program, "--version", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: the package modules that was imported is {tmp_path / 'modules'}")
    assert f"hides this project's {ROOT / 'modules' / '__init__.py'}" in done.stderr
    assert "PYTHONPATH" in done.stderr
    assert "Traceback" not in done.stderr


def test_package_that_another_distribution_installed_over_ours_is_named(tmp_path):
    """Two distributions in one folder with packages of one name: the later wrote over the earlier."""
    for name in ("lightning_app", "datamodules", "modules"):
        shutil.copytree(ROOT / name, tmp_path / name)
    foreign(tmp_path, "metrics", content="")
    record = tmp_path / "machine_metrics-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: machine-metrics\nVersion: 1.0\n")
    (record / "RECORD").write_text("metrics/__init__.py,,\n")

    done = run(sys.executable, "-m", "lightning_app", "fit", "-c", "ts_dsae", cwd=tmp_path)

    assert done.returncode == 1
    assert "machine-metrics installs a package metrics as well" in done.stderr
    assert "pip uninstall machine-metrics" in done.stderr
    assert "Traceback" not in done.stderr
