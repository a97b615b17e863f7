import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamodules.cache import cached
from datamodules.errors import DataError

KEY = {"melodies": [3, 1, 2], "rate": 16_000}

BUILD_SLOWLY = """
import sys, time
from pathlib import Path
from datamodules.cache import cached
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
def build(draft):
    (draft / "first.bin").write_bytes(b"1" * 1000)
    with (folder / "builds.txt").open("a") as file:
        file.write("started\\n")
    time.sleep(seconds)
    (draft / "second.bin").write_bytes(b"2" * 1000)
print(cached(folder / "cache", "clips", {"a": 1}, build, 2000))
"""

FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from datamodules import DataError
from datamodules.cache import cached
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
def build(draft):
    (draft / "small.bin").write_bytes(b"1" * 100)
    with (draft / "large.bin").open("wb") as file:
        for _ in range(100):
            file.write(b"2" * 1000)
try:
    cached(Path(sys.argv[1]), "clips", {"a": 1}, build, 3 * 2**20)
except DataError as error:
    print(error)
"""

WRITE_AS_NOBODY = """
import os, sys
from pathlib import Path
from datamodules import DataError
from datamodules.cache import cached
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    cached(Path(sys.argv[1]), "clips", {"a": 1}, lambda draft: print("built"), 10)
except DataError as error:
    print(error)
"""


def fill(draft: Path) -> None:
    (draft / "first.bin").write_bytes(b"1" * 1000)
    (draft / "second.bin").write_bytes(b"2" * 1000)


def entries(cache_dir: Path) -> list[Path]:
    """All that an entry's making can leave, but for the empty lock files."""
    return sorted(path for path in cache_dir.iterdir() if path.suffix != ".lock")


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, "the process ended before it came so far"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_whole(entry: Path) -> None:
    assert sorted(path.name for path in entry.iterdir()) == ["first.bin", "key.json", "second.bin"]
    assert (entry / "first.bin").read_bytes() == b"1" * 1000
    assert (entry / "second.bin").read_bytes() == b"2" * 1000


def test_an_entry_is_built_once(tmp_path):
    cache_dir = tmp_path / "not" / "there" / "yet"
    calls = []
    built = [cached(cache_dir, "clips", KEY, lambda draft: (calls.append(draft), fill(draft)), 2000) for _ in range(3)]
    assert len(calls) == 1
    assert built[0] == built[1] == built[2]
    assert built[0].parent == cache_dir
    assert built[0].name.startswith("clips-")
    assert_whole(built[0])
    assert json.loads((built[0] / "key.json").read_text()) == KEY
    assert entries(cache_dir) == [built[0]]


def test_each_key_and_name_has_an_entry_of_its_own(tmp_path):
    keys = [KEY, KEY | {"rate": 8000}, KEY | {"melodies": [1, 2, 3]}, {}, {"melodies": [3, 1, 2]}]
    built = {cached(tmp_path, "clips", key, fill, 2000) for key in keys} | {cached(tmp_path, "other", KEY, fill, 2000)}
    assert len(built) == 6


def test_the_keys_order_does_not_matter(tmp_path):
    entry = cached(tmp_path, "clips", KEY, fill, 2000)
    assert cached(tmp_path, "clips", dict(reversed(KEY.items())), fill, 2000) == entry


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, DataError])
def test_an_exception_leaves_nothing(tmp_path, error):
    def fail(draft: Path) -> None:
        (draft / "first.bin").write_bytes(b"1" * 1000)
        raise error("halfway")

    with pytest.raises(error, match="halfway"):
        cached(tmp_path, "clips", KEY, fail, 2000)
    assert entries(tmp_path) == []
    assert_whole(cached(tmp_path, "clips", KEY, fill, 2000))


def test_a_killed_build_leaves_no_entry_and_the_next_one_clears_up(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", BUILD_SLOWLY, tmp_path, "60"])
    wait_for(tmp_path / "builds.txt", process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (draft,) = entries(tmp_path / "cache")
    assert (draft / "first.bin").exists()
    other = cached(tmp_path / "cache", "clips", KEY, fill, 2000)
    assert draft.exists()  # another entry's draft may be in the making

    entry = cached(tmp_path / "cache", "clips", {"a": 1}, fill, 2000)
    assert_whole(entry)
    assert entries(tmp_path / "cache") == sorted([entry, other])


def test_two_processes_at_once_build_once(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", BUILD_SLOWLY, tmp_path, "1"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert (tmp_path / "builds.txt").read_text() == "started\n"
    assert outputs[0] == outputs[1]
    assert_whole(Path(outputs[0]))
    assert entries(tmp_path / "cache") == [Path(outputs[0])]


def test_a_file_that_cannot_grow_is_a_full_disk(run_python, tmp_path):
    result = run_python(FILL_THE_DISK, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"no room for the cache entry {tmp_path}/clips-")
    assert "it takes 3 MiB" in result.stdout
    assert "Free some space, or name another folder with --data.cache_dir" in result.stdout
    assert entries(tmp_path) == []


def test_a_disk_too_small_is_known_before_the_work(tmp_path):
    n_bytes = shutil.disk_usage(tmp_path).total + 2**20
    with pytest.raises(DataError, match=r"no room for the cache entry .*clips-.*--data\.cache_dir"):
        cached(tmp_path, "clips", KEY, lambda _: pytest.fail("built"), n_bytes)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_one_may_not_write(run_python, tmp_path, mode):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(mode)
    tmp_path.chmod(0o755)  # for nobody to come as far as this
    result = run_python(WRITE_AS_NOBODY, "locked", folder=tmp_path)
    locked.chmod(0o755)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("cannot write the cache entry locked/clips-")
    assert "Name a writable folder with --data.cache_dir" in result.stdout
    assert entries(locked) == []


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    for cache_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataError, match=r"cannot write the cache entry .*clips-.*--data\.cache_dir"):
            cached(cache_dir, "clips", KEY, fill, 2000)
