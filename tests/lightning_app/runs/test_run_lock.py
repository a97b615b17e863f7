"""One training at a time in a folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for, is_held
from tests.lightning_app.processes import in_process

HOLDS = """
import sys, time
from pathlib import Path
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for
with held_for(sys.argv[2], RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


@pytest.fixture
def other(folder):
    """Starts another process that holds the folder for a subcommand."""
    started = []

    def start(subcommand):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, str(folder.path), subcommand], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("refused", ["fit", "validate", "test", "predict"])
def test_training_is_alone_in_its_folder(folder, other, refused):
    process = other("fit")

    with pytest.raises(RunError, match=f"in use: process {process.pid} is training there"), held_for(refused, folder):
        pass
    assert is_held(folder)
    assert {path.name for path in folder.path.iterdir()} == {".lock", ".lock.pid"}


def test_evaluation_keeps_trainings_and_its_like_out(folder, other):
    process = other("test")

    for refused in ("fit", "test"):
        with pytest.raises(RunError, match=f"process {process.pid} is evaluating there"), held_for(refused, folder):
            pass
    with held_for("predict", folder):  # writes other files
        assert not is_held(folder)


def test_dead_process_holds_nothing(folder, other):
    for subcommand in ("fit", "test"):
        process = other(subcommand)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    assert not is_held(folder)
    for subcommand in ("test", "fit"):
        with held_for(subcommand, folder):
            assert folder.holder(subcommand).read_text() == str(os.getpid())


def test_folder_is_free_after_the_training(folder):
    with held_for("fit", folder):
        folder.config.write_text("")

    for subcommand in ("test", "fit"):
        with held_for(subcommand, folder):
            pass
    assert {path.name for path in folder.path.iterdir()} == {".lock", "config.yaml"}


@pytest.mark.parametrize("subcommand", ["fit", "test"])
def test_what_comes_to_nothing_leaves_no_folder(folder, subcommand):
    with pytest.raises(KeyError), held_for(subcommand, folder):
        raise KeyError("before anything was written")

    assert not folder.path.exists()


def test_error_of_the_work_is_not_taken_for_one_of_the_lock(folder):
    with pytest.raises(FileNotFoundError, match="clips"), held_for("fit", folder):
        (folder.path / "clips").read_text()


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("")

    with pytest.raises(RunError, match="cannot make the folder"), held_for("fit", RunFolder(tmp_path / "run")):
        pass


@pytest.mark.parametrize("subcommand", ["fit", "test"])
def test_folder_that_cannot_be_written_to(folder, tmp_path, subcommand):
    """In a process that is nobody's, since the administrator may write anywhere."""
    folder.path.mkdir()
    folder.path.chmod(0o555)
    tmp_path.chmod(0o755)

    def refusal():
        os.chdir(tmp_path)  # the folders above may be closed to nobody
        if os.geteuid() == 0:
            os.setuid(65534)
        with pytest.raises(RunError) as raised, held_for(subcommand, RunFolder(Path("run"))):
            pass
        return str(raised.value)

    assert in_process(refusal) == "cannot write to run: Permission denied; name another folder."
