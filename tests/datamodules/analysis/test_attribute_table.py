import os
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from datamodules.analysis import timbral
from datamodules.analysis.attribute_table import AttributeModel, attribute_table
from datamodules.errors import DataError
from tests.datamodules.levels import MODEL, assert_complete, files_beside_audio, measured, write_clip, write_clips


def test_each_clip_has_a_row_in_the_order_asked_for_and_on_disk(tmp_path):
    clips = write_clips(tmp_path, 10)
    backwards = dict(reversed(clips.items()))
    table = attribute_table(backwards, MODEL, tmp_path, n_workers=1)
    assert table.schema.names == ["name", "level", "seconds", "problem"]
    assert_complete(table, backwards)
    assert table["seconds"].to_pylist() == [0.01] * 10
    assert files_beside_audio(tmp_path) == [".levels-1.lock", "levels-1.parquet"]
    assert pq.read_table(tmp_path / "levels-1.parquet").equals(table)


def test_the_timbral_attributes_of_a_data_set(tmp_path, write_wav):
    clips = {f"{f}": write_wav(tmp_path / f"{f}.wav", f, seconds=0.5) for f in (100.0, 400.0, 1600.0)}
    model = AttributeModel("timbral", timbral.VERSION, ("brightness", "depth"), timbral.timbral_attributes)
    rows = attribute_table(clips, model, tmp_path, n_workers=1).to_pylist()
    for row, path in zip(rows, clips.values(), strict=True):
        values = timbral.timbral_attributes(*soundfile.read(path))
        assert {"name": path.stem, "problem": None} | values == pytest.approx(row)


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
    assert [name for name in files_beside_audio(tmp_path) if name.endswith(".parquet")] == [
        "levels-1.parquet",
        "levels-2.parquet",
    ]


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
    assert files_beside_audio(tmp_path) == []


def test_a_folder_that_cannot_be_written_has_its_table_in_the_cache(tmp_path, caplog):
    clips = write_clips(tmp_path / "clips", 3)
    (tmp_path / "file").touch()
    for _ in range(2):
        table = attribute_table(clips, MODEL, tmp_path / "file" / "below", cache_dir=tmp_path / "cache", n_workers=1)
        assert_complete(table, clips)
    (file,) = (tmp_path / "cache").glob("*.parquet")
    assert file.name.startswith("levels-1-")
    assert (
        f"{tmp_path / 'file' / 'below'} cannot be written (Not a directory); the attributes go to {file}" in caplog.text
    )


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
        "(Permission denied). Set cache_dir to a writable folder."
    )


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(DataError, match="n_workers is 0"):
        attribute_table({}, MODEL, tmp_path, n_workers=0)
