"""The command as a whole, with runs of the stand-in: how it ends, and goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from lightning_app.commands.disentangle import main
from tests.lightning_app.sweeps.test_runner import children_of, is_alive

TYPED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have it ignored in the background
from lightning_app.commands.disentangle import main
os.environ["PYTHONPATH"] = os.environ["STAND_IN"]  # of the runs; this process is the real one
main(["sweep", "run", *sys.argv[1:]])
"""


@pytest.mark.slow
def test_ctrl_c_ends_the_runs_and_the_same_command_goes_on(small_sweep, stand_in, tmp_path, monkeypatch, capsys):
    content = yaml.safe_load(small_sweep.read_text())
    content["metric"] = {"name": "val/loss"}
    small_sweep.write_text(yaml.safe_dump(content))
    process = subprocess.Popen(
        [sys.executable, "-c", TYPED, str(small_sweep), "--jobs", "2"],
        env={**os.environ, "STAND_IN": str(stand_in)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(children := children_of(process.pid)) < 2:
        assert process.poll() is None
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Stopped. The same command goes on from here."
    assert not any(map(is_alive, children))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(stand_in))
    main(["sweep", "run", str(small_sweep), "--jobs", "2"])
    out = capsys.readouterr().out
    assert "Ended: 2 trials of small, of which 0 failed." in out
    assert "disentangle sweep best runs/small" in out
    assert not (tmp_path / "runs" / "small" / "notes.txt").exists()
