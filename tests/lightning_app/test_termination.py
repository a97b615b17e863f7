"""What SIGTERM does to a command."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lightning_app.termination import Terminated, raised_at_sigterm
from tests.processes import of_session, wait_until

ROOT = Path(__file__).parents[2]

SLEEPS = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have it ignored in the background
from lightning_app.commands.disentangle import COMMANDS, main
from lightning_app.commands.table import Command
def sleep(words):
    try:
        print("asleep", flush=True)
        time.sleep(300)
    finally:
        print("cleared up", flush=True)
COMMANDS["fit"] = Command("Sleep.", sleep)
main(["fit"])
"""
PREPARES = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lightning_app.commands.disentangle import main
cache, root = sys.argv[1:]
main(["fit", "-c", "ts_dsae", "--data.cache_dir", cache, "--data.size", "14000", "--data.prepare_workers", "2",
      "--trainer.default_root_dir", root, "--trainer.logger", "false", "--trainer.enable_progress_bar", "false"])
"""


def test_sigterm_raises_inside_and_does_afterwards_what_it_did_before():
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(Terminated) as raised, raised_at_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)

    assert raised.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with raised_at_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_handler_that_takes_its_place_and_calls_it_decides():
    calls = []
    with raised_at_sigterm():
        inner = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *given: calls.append(inner(*given)))
        os.kill(os.getpid(), signal.SIGTERM)
    assert calls == [None]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the dropping
def test_signal_that_comes_where_python_drops_errors_ends_the_command_all_the_same():
    class Told:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    with pytest.raises(Terminated), raised_at_sigterm():
        Told()
        time.sleep(60)


def test_clearing_up_is_not_disturbed():
    cleared = []
    with pytest.raises(Terminated), raised_at_sigterm():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            for _ in range(30):  # longer than it takes to be told again
                time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGTERM)
            cleared.append("all")
    assert cleared == ["all"]


def test_other_threads_than_the_first_take_no_signals():
    def enter():
        with raised_at_sigterm():
            pass

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()  # an error there fails the test


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGTERM, 143, "Ended by SIGTERM.\n"), (signal.SIGINT, 130, "Stopped.\n")],
    ids=["SIGTERM", "SIGINT"],
)
def test_command_clears_up_and_ends_with_the_status_of_the_signal(number, status, said):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "asleep\n"
    process.send_signal(number)

    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "cleared up\n", said)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes there are")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=lambda value: value
)
def test_fit_that_is_ended_while_it_renders(tmp_path, number, status):
    cache, root = tmp_path / "cache", tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", PREPARES, str(cache), str(root)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # Not sooner: Python drops the KeyboardInterrupt of a Ctrl-C that comes just as a process is forked.
    drafts = "*.draft-*/x.npy"
    wait_until(lambda: any(file.stat().st_size > 128 for file in cache.glob(drafts)), "a clip is there", seconds=120)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)

    assert process.returncode == status
    assert "Traceback" not in err
    wait_until(lambda: not of_session(process.pid), "all processes have ended", seconds=20)
    if number != signal.SIGKILL:
        assert {path.suffix for path in cache.iterdir()} == {".lock"}
        assert not root.exists()
