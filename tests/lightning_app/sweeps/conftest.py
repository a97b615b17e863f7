"""Sweeps whose runs take no time, and a PostgreSQL of the tests' own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from lightning_app.sweeps.opening import look_up

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
COMMAND = ["${env}", "disentangle", "fit", "${args}", "--epochs=3", "--seconds=0.02"]


@pytest.fixture
def write_sweep(tmp_path):
    """Writes a sweep file: a random draw of x, with two seeds, unless something else is given."""

    def write(file="tiny", **changes):
        content = {
            "name": file,
            "method": "random",
            "run_cap": 12,
            "metric": {"name": "val/loss", "goal": "minimize"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}, "seed_everything": {"values": [0, 1]}},
            "command": COMMAND,
        }
        content = {key: value for key, value in {**content, **changes}.items() if value is not None}
        path = tmp_path / f"{file}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """A folder with a package lightning_app that stands in for this one."""
    folder = tmp_path_factory.mktemp("stand_in")
    package = folder / "lightning_app"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copyfile(HERE / "stand_in.py", package / "__main__.py")
    shutil.copyfile(ROOT / "lightning_app" / "parent_process.py", package / "parent_process.py")
    return folder


@pytest.fixture
def workers(tmp_path, stand_in):
    """Starts workers on a sweep file; those that are left are ended with the test."""
    started = []

    def start(file, storage=None, jobs=2):
        words = [str(file), str(tmp_path / "runs"), str(jobs), *([storage] if storage else [])]
        process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), *words],
            env={**os.environ, "STAND_IN": str(stand_in), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def finish(workers):
    """Starts a worker, waits for its end, and returns what it has printed."""

    def run(file, storage=None, jobs=2):
        process = workers(file, storage, jobs)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        return out

    return run


@pytest.fixture
def records(tmp_path):
    """Reads the trials of a sweep."""

    def read(file, storage=None):
        return look_up(str(file), tmp_path / "runs", storage).records()

    return read


@pytest.fixture
def notes(tmp_path):
    """What the runs of a sweep have noted that should not be."""

    def read(name="tiny"):
        path = tmp_path / "runs" / name / "notes.txt"
        return path.read_text() if path.exists() else ""

    return read


def _postgresql_binaries():
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if versions:
        return versions[-1]
    found = shutil.which("initdb")
    return None if found is None else Path(found).parent


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a server that is started for these tests and stopped after them."""
    binaries = _postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed; scripts/install-postgresql.sh does it on Debian")
    # The server refuses to be run by root.
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    owner = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    shutil.chown(folder, user)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder}
    initdb = [binaries / "initdb", "--pgdata", folder / "data", "--username", "tests", "--auth", "trust", "--no-sync"]
    subprocess.run(initdb, check=True, **owner, **quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = subprocess.Popen([binaries / "postgres", "-D", folder / "data", *options], **owner, **quiet)
    url = f"postgresql://tests@127.0.0.1:{port}/postgres"
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for connections
        server.wait()
        shutil.rmtree(folder)


def _wait_for(url, server):
    import psycopg

    end = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
