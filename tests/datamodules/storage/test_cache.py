import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datamodules.errors import DataError
from datamodules.storage.cache import cached

KEY = {"melodies": [3, 1, 2], "rate": 16_000}


def fill(draft: Path) -> None:
    (draft / "first.bin").write_bytes(b"1" * 1000)
    (draft / "second.bin").write_bytes(b"2" * 1000)


def entries(cache_dir: Path) -> list[Path]:
    """All that an entry's making can leave, but for the empty lock files."""
    return sorted(path for path in cache_dir.iterdir() if path.suffix != ".lock")


def build_slowly(folder: Path, seconds: float) -> Path:
    """What the tests of several processes run there; it notes each build's start in a file."""

    def build(draft: Path) -> None:
        (draft / "first.bin").write_bytes(b"1" * 1000)
        with (folder / "builds.txt").open("a") as file:
            file.write("started\n")
        time.sleep(seconds)
        (draft / "second.bin").write_bytes(b"2" * 1000)

    return cached(folder / "cache", "clips", KEY, build, 2000)


def refusal(cache_dir: Path, build: Callable[[Path], None], n_bytes: int) -> str:
    with pytest.raises(DataError) as error:
        cached(cache_dir, "clips", KEY, build, n_bytes)
    return str(error.value)


def assert_whole(entry: Path) -> None:
    assert sorted(path.name for path in entry.iterdir()) == ["files.json", "first.bin", "key.json", "second.bin"]
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


def test_a_killed_build_leaves_no_entry_and_the_next_one_clears_up(tmp_path, fork):
    process = fork(build_slowly, tmp_path, 60).process
    while not (tmp_path / "builds.txt").exists():
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (draft,) = entries(tmp_path / "cache")
    assert [path.name for path in draft.iterdir()] == ["first.bin"]
    other = cached(tmp_path / "cache", "clips", {"a": 1}, fill, 2000)
    assert draft.exists()  # another entry's draft may still be in the making

    entry = cached(tmp_path / "cache", "clips", KEY, fill, 2000)
    assert_whole(entry)
    assert entries(tmp_path / "cache") == sorted([entry, other])


def test_two_processes_at_once_build_once(tmp_path, fork):
    processes = [fork(build_slowly, tmp_path, 0.5) for _ in range(2)]
    built = [process.result() for process in processes]
    assert (tmp_path / "builds.txt").read_text() == "started\n"
    assert built[0] == built[1]
    assert_whole(built[0])
    assert entries(tmp_path / "cache") == [built[0]]


def test_a_file_that_cannot_grow_is_a_full_disk(tmp_path, fork):
    def build(draft: Path) -> None:
        (draft / "small.bin").write_bytes(b"1" * 100)
        with (draft / "large.bin").open("wb") as file:
            for _ in range(100):
                file.write(b"2" * 1000)

    def refusal_with_small_files() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        return refusal(tmp_path, build, 3 * 2**20)

    message = fork(refusal_with_small_files).result()
    assert message.startswith(f"no room for the cache entry {tmp_path}/clips-")
    assert "it takes 3 MiB" in message
    assert "Free some space, or set cache_dir to another folder" in message
    assert entries(tmp_path) == []


def test_a_disk_too_small_is_known_before_the_work(tmp_path):
    n_bytes = shutil.disk_usage(tmp_path).total + 2**20
    message = refusal(tmp_path, lambda _: pytest.fail("built"), n_bytes)
    assert message.startswith(f"no room for the cache entry {tmp_path}/clips-")
    assert "cache_dir" in message
    assert entries(tmp_path) == []


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read only", "closed"])
def test_a_folder_one_may_not_write(tmp_path, fork, mode):
    def refusal_to_nobody() -> str:
        os.chdir(tmp_path)  # the folders above may be closed to nobody
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write anywhere
        return refusal(Path("locked"), fill, 2000)

    locked = tmp_path / "locked"
    locked.mkdir()
    tmp_path.chmod(0o755)
    locked.chmod(mode)
    try:
        message = fork(refusal_to_nobody).result()
    finally:
        locked.chmod(0o755)
    assert message.startswith("cannot write the cache entry locked/clips-")
    assert "Set cache_dir to a writable folder" in message
    assert entries(locked) == []


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    for cache_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        message = refusal(cache_dir, fill, 2000)
        assert message.startswith(f"cannot write the cache entry {cache_dir}/clips-")
        assert "cache_dir" in message


def cut(entry: Path) -> None:
    os.truncate(entry / "second.bin", 999)


def lose(entry: Path) -> None:
    (entry / "first.bin").unlink()


def empty(entry: Path) -> None:
    (entry / "key.json").write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"), [(cut, "second.bin is not 1000 bytes long"), (lose, "first.bin"), (empty, "key.json is another")]
)
def test_a_spoilt_entry_is_told_and_made_anew(tmp_path, caplog, spoil, said):
    entry = cached(tmp_path, "clips", KEY, fill, 2000)
    spoil(entry)

    assert_whole(cached(tmp_path, "clips", KEY, fill, 2000))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"The cache entry {entry} is spoilt" in record.getMessage()
    assert said in record.getMessage()
    assert entries(tmp_path) == [entry]


def test_a_spoilt_entry_stays_until_there_is_another(tmp_path):
    entry = cached(tmp_path, "clips", KEY, fill, 2000)
    cut(entry)

    def fail(draft: Path) -> None:
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        cached(tmp_path, "clips", KEY, fail, 2000)
    assert (entry / "first.bin").read_bytes() == b"1" * 1000
    assert_whole(cached(tmp_path, "clips", KEY, fill, 2000))


def test_an_entry_of_an_earlier_version_is_taken(tmp_path):
    """It has no list of its files."""
    entry = cached(tmp_path, "clips", KEY, fill, 2000)
    (entry / "files.json").unlink()

    assert cached(tmp_path, "clips", KEY, lambda _: pytest.fail("built"), 2000) == entry
