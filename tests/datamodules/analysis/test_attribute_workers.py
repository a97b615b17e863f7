import functools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datamodules.analysis.attribute_table import AttributeModel, attribute_table
from datamodules.errors import DataError
from tests.datamodules.levels import MODEL, assert_complete, fatal, files_beside_audio, slow, write_clips

ROOT = Path(__file__).parents[3]

# A shell has what it runs in the background ignore Ctrl-C, and so do the processes that a test starts there.
COMPUTE_SLOWLY = """
import signal
import sys
from pathlib import Path
from datamodules.analysis.attribute_table import attribute_table
from tests.datamodules.levels import MODEL, assert_complete, fatal, files_beside_audio, slow, write_clips
signal.signal(signal.SIGINT, signal.default_int_handler)
folder, log, n, n_workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
clips = {f"clip-{i:04}": folder / f"{i:04}.wav" for i in range(n)}
assert_complete(attribute_table(clips, slow(log), folder, n_workers=n_workers), clips)
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _lives(pid: int) -> bool:
    try:
        # A zombie, which its reaper has not seen to yet, does not count.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_killed_run_leaves_no_processes_and_the_next_goes_on(tmp_path):
    clips, log = write_clips(tmp_path / "clips", 640), tmp_path / "log.txt"
    folder = tmp_path / "clips"
    process = start(COMPUTE_SLOWLY, folder, log, 640, 2)
    parts = folder / ".levels-1.parts"
    while len(list(parts.glob("[!.]*.parquet"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.kill()
    process.wait()
    workers = {int(line.split()[0]) for line in log.read_text().splitlines()}
    assert len(workers) == 2
    deadline = time.monotonic() + 10
    while any(_lives(worker) for worker in workers):
        assert time.monotonic() < deadline, "the workers outlive the process that started them"
        time.sleep(0.01)
    assert not (folder / "levels-1.parquet").exists()
    kept = sum(pq.read_metadata(part).num_rows for part in parts.glob("[!.]*.parquet"))
    assert kept >= 192

    log.unlink()
    assert_complete(attribute_table(clips, slow(log), folder, n_workers=2), clips)
    assert len(log.read_text().splitlines()) == 640 - kept
    assert files_beside_audio(folder) == [".levels-1.lock", "levels-1.parquet"]


@pytest.mark.slow
def test_an_interrupted_run_ends_soon_and_the_next_goes_on(tmp_path):
    clips, log = write_clips(tmp_path / "clips", 640), tmp_path / "log.txt"
    folder = tmp_path / "clips"
    process = start(COMPUTE_SLOWLY, folder, log, 640, 1)
    while not any((folder / ".levels-1.parts").glob("[!.]*.parquet")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert errors.strip().endswith("KeyboardInterrupt")
    assert len(log.read_text().splitlines()) < 640
    assert_complete(attribute_table(clips, MODEL, folder, n_workers=1), clips)


@pytest.mark.slow
def test_two_processes_at_once_compute_each_clip_once(tmp_path):
    write_clips(tmp_path / "clips", 130)
    log = tmp_path / "log.txt"
    processes = [start(COMPUTE_SLOWLY, tmp_path / "clips", log, 130, 1) for _ in range(2)]
    for process in processes:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    assert len(log.read_text().splitlines()) == 130


def test_a_crashed_worker_is_one_clear_error_and_what_is_done_is_kept(tmp_path):
    clips = write_clips(tmp_path, 200)
    model = AttributeModel("levels", "1", MODEL.columns, functools.partial(fatal, 200 / 1024))
    with pytest.raises(DataError, match=r"a worker process ended abruptly .* run again, with fewer workers than 1"):
        attribute_table(clips, model, tmp_path, n_workers=1)
    kept = list((tmp_path / ".levels-1.parts").glob("[!.]*.parquet"))
    assert len(kept) >= 2
    for path in list(clips.values())[:64]:
        path.unlink()
    assert_complete(attribute_table(clips, MODEL, tmp_path, n_workers=1), clips)


def test_the_number_of_workers_does_not_matter(tmp_path):
    clips = write_clips(tmp_path, 300)
    tables = []
    for n_workers in (1, 3):
        (tmp_path / str(n_workers)).mkdir()
        tables.append(attribute_table(clips, MODEL, tmp_path / str(n_workers), n_workers=n_workers))
    assert_complete(tables[0], clips)
    assert tables[0].equals(tables[1])
