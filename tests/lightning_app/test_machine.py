"""The record of the machine, against what the system says and what a process is told to use."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import lightning_app
from lightning_app.machine import machine
from tests.kernels import OTHER_KERNELS

ROOT = Path(__file__).parents[2]
CPU_INFO = Path("/proc/cpuinfo")


def _recorded(**environment: str) -> dict:
    """The record of a process that sees these variables."""
    code = "import json; from lightning_app.machine import machine; print(json.dumps(machine()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_json_and_names_this_machine():
    record = machine()

    assert json.loads(json.dumps(record)) == record
    assert record["processor"]["architecture"] == os.uname().machine
    assert record["versions"]["python"] == sys.version.split()[0]
    assert record["versions"]["numpy"] == np.__version__
    assert record["versions"]["torch"] == torch.__version__
    assert record["versions"]["disentangle"] == lightning_app.__version__
    for name in ("lightning", "torchmetrics", "wandb", "omegaconf", "jsonargparse", "soundfile"):
        assert record["versions"][name] == import_module(name).__version__, name
    assert record["gpu"] is None


@pytest.mark.skipif(not CPU_INFO.is_file(), reason="the system has no /proc/cpuinfo")
def test_processor_is_the_systems():
    model = {key: value for key, value in machine()["processor"].items() if key != "architecture"}

    assert model
    for key, value in model.items():
        assert re.search(rf"^{re.escape(key)}\s*: {re.escape(value)}$", CPU_INFO.read_text(), flags=re.MULTILINE)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_cores_are_those_that_the_process_may_use():
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    try:
        assert machine()["cores"] == 1
    finally:
        os.sched_setaffinity(0, usable)
    assert machine()["cores"] == len(usable)


def test_other_kernels_and_threads_make_another_record():
    record = _recorded(**OTHER_KERNELS)

    assert record["environment"].items() >= OTHER_KERNELS.items()
    assert record["kernels"]["torch"] == "DEFAULT"
    assert record["kernels"]["numpy"] == []
    assert record["threads"] == 1
    assert {library["num_threads"] for library in record["kernels"]["libraries"] if "openmp" in library.values()} == {1}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="a kernel of x86")
def test_kernels_of_linear_algebra_are_named():
    record = _recorded(OPENBLAS_CORETYPE="Nehalem")

    libraries = [library for library in record["kernels"]["libraries"] if library["internal_api"] == "openblas"]
    assert {library["architecture"] for library in libraries} == {"Nehalem"}


def test_gpu_is_named_where_it_is_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")

    assert machine(torch.device("cuda", 1))["gpu"] == "GPU 1"
    assert machine(torch.device("cpu"))["gpu"] is None


def test_commit_is_that_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine()["commit"] is None

    def git(*words):
        own = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *own, *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    assert machine()["commit"] is None  # there is none yet
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-m", "m")
    assert machine()["commit"] == git("rev-parse", "HEAD")
    (tmp_path / "other").write_text("not of the project")
    assert machine()["commit"] == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("b")
    assert machine()["commit"] == f"{git('rev-parse', 'HEAD')}, changed"
