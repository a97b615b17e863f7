import functools
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from datamodules import timbral
from datamodules.attribute_table import AttributeModel, attribute_table
from datamodules.errors import DataError

ROOT = Path(__file__).parents[2]


def measured(audio: np.ndarray, rate: int) -> dict[str, float]:
    """What these tests compute: each of their clips holds one value."""
    if not audio.any():
        raise DataError("the audio is silent")
    if audio[0] == 1.0:
        raise RuntimeError("a defect")
    return {"level": math.inf if audio[0] == 0.75 else float(audio[0]), "seconds": len(audio) / rate}


def measured_slowly(log: Path, audio: np.ndarray, rate: int) -> dict[str, float]:
    with log.open("a") as file:
        file.write(f"{os.getpid()} {audio[0]}\n")
    time.sleep(0.01)
    return measured(audio, rate)


def fatal(deadly: float, audio: np.ndarray, rate: int) -> dict[str, float]:
    if audio[0] == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return measured(audio, rate)


MODEL = AttributeModel("levels", "1", ("level", "seconds"), measured)


def slow(log: Path) -> AttributeModel:
    return AttributeModel("levels", "1", ("level", "seconds"), functools.partial(measured_slowly, log))


def write_clips(folder: Path, n: int, first: int = 0) -> dict[str, Path]:
    """Clips whose value is their number over 1024."""
    folder.mkdir(exist_ok=True)
    clips = {f"clip-{i:04}": folder / f"{i:04}.wav" for i in range(first, first + n)}
    for i, path in enumerate(clips.values(), first):
        soundfile.write(path, np.full(80, (i + 1) / 1024), 8000, subtype="FLOAT")
    return clips


def write_clip(path: Path, value: float) -> Path:
    soundfile.write(path, np.full(80, value), 8000, subtype="FLOAT")
    return path


def assert_complete(table, clips: dict[str, Path]) -> None:
    assert table["name"].to_pylist() == list(clips)
    assert table["level"].to_pylist() == [(int(name[-4:]) + 1) / 1024 for name in clips]
    assert table["problem"].null_count == len(clips)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".wav")


def start(code: str, *arguments: object) -> subprocess.Popen:
    """Another process, in which this file's names are known."""
    code = f"from tests.datamodules.test_attribute_table import *\n{code}"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


COMPUTE_SLOWLY = """
folder, log, n, n_workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
clips = {f"clip-{i:04}": folder / f"{i:04}.wav" for i in range(n)}
assert_complete(attribute_table(clips, slow(log), folder, n_workers=n_workers), clips)
"""


def test_each_clip_has_a_row_in_the_order_asked_for_and_on_disk(tmp_path):
    clips = write_clips(tmp_path, 10)
    backwards = dict(reversed(clips.items()))
    table = attribute_table(backwards, MODEL, tmp_path, n_workers=1)
    assert table.schema.names == ["name", "level", "seconds", "problem"]
    assert_complete(table, backwards)
    assert table["seconds"].to_pylist() == [0.01] * 10
    assert names(tmp_path) == [".levels-1.lock", "levels-1.parquet"]
    assert pq.read_table(tmp_path / "levels-1.parquet").equals(table)


def test_the_timbral_attributes_of_a_data_set(tmp_path, write_wav):
    clips = {f"{f}": write_wav(tmp_path / f"{f}.wav", f, seconds=0.5) for f in (100.0, 400.0, 1600.0)}
    model = AttributeModel("timbral", timbral.VERSION, ("brightness", "depth"), timbral.timbral_attributes)
    rows = attribute_table(clips, model, tmp_path, n_workers=1).to_pylist()
    for row, path in zip(rows, clips.values(), strict=True):
        values = timbral.timbral_attributes(*soundfile.read(path))
        assert {"name": path.stem, "problem": None} | values == pytest.approx(row)


def test_the_number_of_workers_does_not_matter(tmp_path):
    clips = write_clips(tmp_path, 300)
    tables = []
    for n_workers in (1, 3):
        (tmp_path / str(n_workers)).mkdir()
        tables.append(attribute_table(clips, MODEL, tmp_path / str(n_workers), n_workers=n_workers))
    assert_complete(tables[0], clips)
    assert tables[0].equals(tables[1])


def test_a_second_call_computes_nothing(tmp_path):
    clips = write_clips(tmp_path, 10)
    first = attribute_table(clips, MODEL, tmp_path, n_workers=1)
    for path in clips.values():
        path.unlink()
    started = time.monotonic()
    assert attribute_table(clips, MODEL, tmp_path).equals(first)
    assert time.monotonic() - started < 1


def test_only_new_clips_are_computed(tmp_path):
    old = write_clips(tmp_path, 5)
    attribute_table(old, MODEL, tmp_path, n_workers=1)
    for path in old.values():
        path.unlink()
    new = write_clips(tmp_path, 5, first=5)
    assert_complete(attribute_table(old | new, MODEL, tmp_path, n_workers=1), old | new)
    assert_complete(attribute_table(new, MODEL, tmp_path, n_workers=1), new)
    assert len(pq.read_table(tmp_path / "levels-1.parquet")) == 10


def test_each_version_has_a_table_of_its_own(tmp_path):
    clips = write_clips(tmp_path, 2)
    for version in ("1", "2"):
        attribute_table(clips, AttributeModel("levels", version, MODEL.columns, measured), tmp_path, n_workers=1)
    assert [name for name in names(tmp_path) if name.endswith(".parquet")] == ["levels-1.parquet", "levels-2.parquet"]


def test_clips_with_problems_are_named_and_stop_nothing(tmp_path, caplog):
    clips = write_clips(tmp_path, 3)
    clips["silent"] = write_clip(tmp_path / "silent.wav", 0.0)
    clips["defect"] = write_clip(tmp_path / "defect.wav", 1.0)
    clips["infinite"] = write_clip(tmp_path / "infinite.wav", 0.75)
    clips["gone"] = tmp_path / "gone.wav"
    clips["text"] = tmp_path / "text.wav"
    clips["text"].write_text("no audio")
    table = attribute_table(clips, MODEL, tmp_path, n_workers=1)
    problems = dict(zip(table["name"].to_pylist(), table["problem"].to_pylist(), strict=True))
    assert [problems[name] for name in list(clips)[:3]] == [None] * 3
    assert problems["silent"] == "the audio is silent"
    assert problems["defect"] == "RuntimeError: a defect"
    assert problems["infinite"] == "level is inf"
    assert problems["gone"].startswith(f"{tmp_path / 'gone.wav'} cannot be read: ")
    assert problems["text"].startswith(f"{tmp_path / 'text.wav'} cannot be read: ")
    assert table["level"].null_count == table["seconds"].null_count == 5
    assert "5 of 8 clips have no attributes" in caplog.text
    assert all(name in caplog.text for name in list(clips)[3:])


def test_what_could_not_be_read_is_tried_again_and_what_has_no_value_is_not(tmp_path):
    clips = {"silent": write_clip(tmp_path / "silent.wav", 0.0), "gone": tmp_path / "gone.wav"}
    attribute_table(clips, MODEL, tmp_path, n_workers=1)
    for path in clips.values():
        write_clip(path, 0.5)
    assert attribute_table(clips, MODEL, tmp_path, n_workers=1)["level"].to_pylist() == [None, 0.5]


def test_no_clips_have_an_empty_table(tmp_path):
    assert attribute_table({}, MODEL, tmp_path).num_rows == 0
    assert names(tmp_path) == []


def test_a_killed_run_leaves_no_processes_and_the_next_goes_on(tmp_path):
    clips, log = write_clips(tmp_path / "clips", 640), tmp_path / "log.txt"
    folder = tmp_path / "clips"
    process = start(COMPUTE_SLOWLY, folder, log, 640, 2)
    parts = folder / ".levels-1.parts"
    while len(list(parts.glob("*.parquet"))) < 3:
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
    kept = sum(pq.read_metadata(part).num_rows for part in parts.glob("*.parquet"))
    assert kept >= 192

    log.unlink()
    assert_complete(attribute_table(clips, slow(log), folder, n_workers=2), clips)
    assert len(log.read_text().splitlines()) == 640 - kept
    assert names(folder) == [".levels-1.lock", "levels-1.parquet"]


def test_an_interrupted_run_ends_soon_and_the_next_goes_on(tmp_path):
    clips, log = write_clips(tmp_path / "clips", 640), tmp_path / "log.txt"
    folder = tmp_path / "clips"
    process = start(COMPUTE_SLOWLY, folder, log, 640, 1)
    while not any((folder / ".levels-1.parts").glob("*.parquet")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert errors.strip().endswith("KeyboardInterrupt")
    assert len(log.read_text().splitlines()) < 640
    assert_complete(attribute_table(clips, MODEL, folder, n_workers=1), clips)


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
    kept = list((tmp_path / ".levels-1.parts").glob("*.parquet"))
    assert len(kept) >= 2
    for path in list(clips.values())[:64]:
        path.unlink()
    assert_complete(attribute_table(clips, MODEL, tmp_path, n_workers=1), clips)


def test_a_folder_that_cannot_be_written_has_its_table_in_the_cache(tmp_path, caplog):
    clips = write_clips(tmp_path / "clips", 3)
    (tmp_path / "file").touch()
    for _ in range(2):
        table = attribute_table(clips, MODEL, tmp_path / "file", cache_dir=tmp_path / "cache", n_workers=1)
        assert_complete(table, clips)
    (file,) = (tmp_path / "cache").glob("*.parquet")
    assert file.name.startswith("levels-1-")
    assert f"{tmp_path / 'file'} cannot be written (Not a directory); the attributes go to {file}" in caplog.text


def test_a_table_in_a_read_only_folder_is_read_and_one_that_lacks_clips_is_refused(tmp_path, fork):
    clips = write_clips(tmp_path / "clips", 3)
    attribute_table(clips, MODEL, tmp_path / "clips", n_workers=1)

    def as_nobody() -> str:
        os.chdir(tmp_path)  # the folders above may be closed to nobody
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write anywhere
        assert_complete(attribute_table(clips, MODEL, Path("clips"), cache_dir=Path("clips/cache")), clips)
        with pytest.raises(DataError) as error:
            attribute_table({"new": Path("new.wav")}, MODEL, Path("clips"), cache_dir=Path("clips/cache"))
        return str(error.value)

    (tmp_path / "clips" / ".levels-1.lock").chmod(0o444)
    (tmp_path / "clips").chmod(0o555)
    tmp_path.chmod(0o755)
    try:
        message = fork(as_nobody).result()
    finally:
        (tmp_path / "clips").chmod(0o755)
    assert message == (
        "cannot write the table of attributes, neither in clips (Permission denied) nor in clips/cache "
        "(Permission denied). Name a writable folder with --data.cache_dir."
    )


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(DataError, match="n_workers is 0"):
        attribute_table({}, MODEL, tmp_path, n_workers=0)


def _lives(pid: int) -> bool:
    try:
        # A zombie, which its reaper has not seen to yet, does not count.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
