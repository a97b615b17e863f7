"""One training at a time in a folder."""

import os
import signal
import subprocess
import sys

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for_training, require_no_training

HOLDS = """
import sys, time
from pathlib import Path
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for_training
with held_for_training(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


@pytest.fixture
def other_process(folder):
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(folder.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_second_process_is_refused_and_told_of_the_first(folder, other_process):
    for refused in (held_for_training(folder).__enter__, lambda: require_no_training(folder)):
        with pytest.raises(RunError, match=f"in use: process {other_process.pid} is training there"):
            refused()


def test_dead_process_holds_nothing(folder, other_process):
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.wait()

    require_no_training(folder)
    with held_for_training(folder):
        assert folder.holder.read_text() == str(os.getpid())


def test_folder_is_free_after_the_training(folder):
    with held_for_training(folder):
        folder.config.write_text("")

    require_no_training(folder)
    with held_for_training(folder):
        pass
    assert folder.config.exists()


def test_training_that_comes_to_nothing_leaves_no_folder(folder):
    with pytest.raises(KeyError), held_for_training(folder):
        raise KeyError("before anything was written")

    assert not folder.path.exists()


def test_looking_for_a_training_makes_no_folder(folder):
    require_no_training(folder)

    assert not folder.path.exists()


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("")

    with pytest.raises(RunError, match="cannot make the folder"), held_for_training(RunFolder(tmp_path / "run")):
        pass
