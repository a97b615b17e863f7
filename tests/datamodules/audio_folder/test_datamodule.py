"""A folder as batches for any model, and what is kept between runs."""

import os
import stat

import numpy as np
import pytest
import torch

from datamodules import AudioFolderDataModule, DataError
from datamodules.analysis import timbral
from modules.audio import LogMelSequence


def test_batches(prepared, music):
    data = prepared(music)

    batches = list(data.train_dataloader())
    assert {name: tuple(values.shape) for name, values in batches[0].items()} == {
        **{"x": (4, 26, 10), "index": (4,), "group": (4,), "folder": (4,)}
    }
    indices = [index for loader in data.predict_dataloader() for batch in loader for index in batch["index"].tolist()]
    assert sorted(indices) == list(range(24))
    clip = data.validation_dataset[0]
    expected = data.representation(torch.from_numpy(data.audio(int(clip["index"])))[None])[0]
    torch.testing.assert_close(clip["x"], expected, rtol=0, atol=1e-3)


def test_the_second_run_reads_the_cache_and_a_changed_file_is_prepared_again(prepared, tmp_path, write, note):
    for name in ("x/a.wav", "x/b.wav", "y/c.wav", "y/d.wav"):
        write(tmp_path / "root" / name, note(0.8))

    def entries() -> dict[str, int]:
        return {
            path.name: (path / "x.npy").stat().st_mtime_ns for path in (tmp_path / "cache").glob("audio-folder-x-*/")
        }

    prepared(tmp_path / "root", cache_dir=tmp_path / "cache")
    first = entries()
    (tmp_path / "root").rename(tmp_path / "moved")
    prepared(tmp_path / "moved", cache_dir=tmp_path / "cache", seed=1, folder_classes=False)
    assert entries() == first
    (entry,) = (tmp_path / "cache").glob("audio-folder-x-*/")
    assert (entry / "segments.csv").is_file()

    write(tmp_path / "moved" / "x" / "a.wav", note(1.2, 500))
    data = prepared(tmp_path / "moved", cache_dir=tmp_path / "cache")
    assert len(entries()) == 2
    assert len(data.train_dataset) + len(data.validation_dataset) == 9


def test_brightness_and_depth_are_kept_beside_the_recordings(prepared, tmp_path, write, note):
    for number in range(3):
        write(tmp_path / "root" / f"{number}.wav", note(0.4, 200 + 50 * number))

    def made(**options) -> AudioFolderDataModule:
        settings = {"attributes": ("brightness", "depth"), "represent": "on_device", "cache_dir": tmp_path / "cache"}
        return prepared(tmp_path / "root", **(settings | options))

    data = made()

    (table,) = (tmp_path / "root").glob("timbral-*.parquet")
    for dataset in (data.train_dataset, data.validation_dataset):
        for index, values in zip(dataset.indices.tolist(), dataset.attributes, strict=True):
            expected = timbral.timbral_attributes(data.audio(index), 16_000)
            assert values.tolist() == pytest.approx([expected["brightness"], expected["depth"]], rel=1e-6)
    before = table.stat().st_mtime_ns
    made(cache_dir=tmp_path / "another", seed=1)
    assert table.stat().st_mtime_ns == before
    others = made(seconds=0.2)  # other segments have values of their own
    assert table.stat().st_mtime_ns != before
    index = int(others.train_dataset.indices[0])
    expected = timbral.timbral_attributes(others.audio(index), 16_000)["brightness"]
    assert others.train_dataset.attributes[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_attributes_of_a_folder_that_cannot_be_written_go_to_the_cache(prepared, tmp_path, write, note):
    for number in range(3):
        write(tmp_path / "root" / f"{number}.wav", note(0.4, 200 + 50 * number))
    (tmp_path / "root").chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        prepared(tmp_path / "root", attributes=("depth",), cache_dir=tmp_path / "cache")
    finally:
        (tmp_path / "root").chmod(stat.S_IRWXU)
    assert list((tmp_path / "cache").glob("timbral-*.parquet"))
    assert not list((tmp_path / "root").glob("timbral-*.parquet"))


def test_attributes_of_a_table_and_clips_without_a_value(prepared, tmp_path, write, note):
    for number in range(5):
        write(tmp_path / f"{number}.wav", note(0.4))
    (tmp_path / "t.csv").write_text("file,bpm\n0.wav,90\n1.wav,91\n2.wav,\n3.wav,93\n4.wav,94\n")

    with pytest.warns(
        UserWarning, match=r"1 clips of audio-folder are left out, since they have no bpm .*: 2\.wav at 0 s"
    ):
        data = prepared(tmp_path, table="t.csv", attributes=("bpm",), validation_fraction=0.4)

    values = {
        int(index): float(value)
        for dataset in (data.train_dataset, data.validation_dataset)
        for index, (value,) in zip(dataset.indices, dataset.attributes, strict=True)
    }
    assert values == {0: 90, 1: 91, 3: 93, 4: 94}
    with pytest.raises(DataError, match=r"attributes has 'tempo'; choose from brightness, depth, bpm"):
        AudioFolderDataModule(tmp_path, table="t.csv", attributes=("tempo",))


def test_the_rate_is_that_of_the_representation(prepared, music):
    data = prepared(music, representation=LogMelSequence(sample_rate=8000, n_fft=256, hop_length=128, n_mels=8))

    assert (data.n_samples, data.x_shape) == (3200, (26, 8))
    assert data.audio(0).shape == (3200,)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"root": "absent"}, r"there is no folder absent; set root"),
        ({"seconds": 0.0}, r"seconds is 0\.0"),
        ({"table": "absent.csv"}, r"cannot read the table .*absent\.csv"),
        ({"columns": {"a": "class"}}, r"columns is of a table, and none is named"),
        ({"validation_fraction": 1.0}, r"validation_fraction is 1\.0"),
        ({"attributes": ("pitch",)}, r"attributes has 'pitch'"),
    ],
)
def test_options_that_cannot_be_had_are_refused_before_any_work(music, tmp_path, option, message):
    with pytest.raises(DataError, match=message):
        AudioFolderDataModule(**({"root": music, "cache_dir": tmp_path} | option))
    assert list(tmp_path.iterdir()) == []


def test_overlapping_segments_on_both_sides_are_warned_of(music):
    with pytest.warns(UserWarning, match=r"those for validation overlap those for training; split_by_file=True"):
        AudioFolderDataModule(music, seconds=0.4, hop_seconds=0.2, split_by_file=False)


def test_a_split_without_training_clips_is_refused(prepared, tmp_path, write, note):
    write(tmp_path / "valid" / "a.wav", note(0.4))
    with pytest.raises(DataError, match="has no training clips"):
        prepared(tmp_path)


def test_a_test_folder_is_the_test_set(prepared, tmp_path, write, note):
    for name in ("train/a", "train/b", "valid/c", "test/d"):
        write(tmp_path / f"{name}.wav", note(0.4))

    data = prepared(tmp_path)

    sets = (data.train_dataset, data.validation_dataset, data.test_dataset)
    assert [data.clip_names(one.indices) for one in sets] == [
        ["train/a.wav at 0 s", "train/b.wav at 0 s"],
        ["valid/c.wav at 0 s"],
        ["test/d.wav at 0 s"],
    ]
    assert np.unique(np.concatenate([one.indices for one in sets])).size == 4
