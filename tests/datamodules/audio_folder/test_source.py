"""Clips of a folder: their audio, names, classes and split, and what makes them new."""

import csv
import io
import logging
import os
import pickle
import stat

import numpy as np
import pytest
import soundfile
import torch

from datamodules.clips import Part
from datamodules.errors import DataError
from datamodules.storage.recording import Recording


def test_clips_are_the_segments_of_the_files_at_the_models_rate(folder, music, strongest_frequency):
    source = folder(music)

    assert len(source) == 8 * 3
    assert source.n_samples == 6400
    assert source.clip_names(np.array([0, 1, 23])) == [
        "horn/a.wav at 0 s",
        "horn/a.wav at 0.4 s",
        "viola/d.mp3 at 0.8 s",
    ]
    for index in range(len(source)):
        audio = source.audio(index)
        assert (audio.shape, audio.dtype) == ((6400,), np.float32)
        note = 3 * (index // 3) + index % 3
        assert strongest_frequency(audio[200:-200], 16_000) == pytest.approx(300 * 2 ** (note / 24), rel=0.005)
    np.testing.assert_allclose(source.audio(1), Recording.at(music / "horn/a.wav", "a").audio(16_000, 6400, 12_800))
    assert source.class_names == {"folder": ("horn", "viola")}
    assert source.labels()["folder"].tolist() == [0] * 12 + [1] * 12
    assert source.groups().tolist() == [index // 3 for index in range(24)]


def test_what_is_sent_to_workers_is_light(folder, music):
    source = folder(music)

    sent = pickle.dumps(source.audio_maker(4))

    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent)(), source.audio(4))


def test_a_padded_rest_ends_in_silence(folder, tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.5))
    write(tmp_path / "b.wav", note(0.3))

    source = folder(tmp_path, rest="pad")

    assert source.clip_names(np.arange(3)) == ["a.wav at 0 s", "a.wav at 0.4 s", "b.wav at 0 s"]
    assert np.abs(source.audio(1)[:1600]).max() > 0.1
    assert not source.audio(1)[1600:].any()
    assert not source.audio(2)[4800:].any()


@pytest.mark.parametrize(
    ("amplitude", "expected"),
    [("as_it_is", [0.1, 0.4, 0.2]), ("file", [1, 1, 1]), ("class", [0.25, 1, 1]), ("set", [0.25, 1, 0.5])],
)
def test_amplitudes(folder, tmp_path, write, note, amplitude, expected):
    for name, level in (("x/a", 0.1), ("x/b", 0.4), ("y/c", 0.2)):
        write(tmp_path / f"{name}.wav", note(0.4, level=level))

    source = folder(tmp_path, amplitude=amplitude)

    assert [np.abs(source.audio(index)).max() for index in range(3)] == pytest.approx(expected, rel=1e-5)


def test_the_table_in_the_entry_tells_of_every_segment(folder, tmp_path, write, note):
    write(tmp_path / "a, 1.wav", np.concatenate([note(0.4), np.zeros(6400), note(0.5)]))
    write(tmp_path / "b.wav", note(0.1))

    source = folder(tmp_path)

    rows = list(csv.DictReader(io.StringIO(source.texts()["segments.csv"])))
    assert [(row["clip"], row["file"], row["start_seconds"], row["kept"], row["reason"]) for row in rows] == [
        ("0", "a, 1.wav", "0", "yes", ""),
        ("", "a, 1.wav", "0.4", "no", "silence"),
        ("1", "a, 1.wav", "0.8", "yes", ""),
        ("", "a, 1.wav", "1.2", "no", "rest"),
        ("", "b.wav", "0", "no", "too short"),
    ]
    assert rows[3]["detail"] == "0.100 s"
    assert source.summary() == "2 of 5 segments of 0.4 s of 1 file (dropped: silence 1, rest 1, too short 1)"


def test_the_key_holds_what_determines_the_audio_and_nothing_else(folder, tmp_path, write, note, measures_cache):
    for name in ("x/a.wav", "y/b.wav", "y/c.wav"):
        write(tmp_path / "root" / name, note(0.5))
    (tmp_path / "root" / "t.csv").write_text("file,take\na,1\nb,2\nc,3\n")
    root = tmp_path / "root"
    key = folder(root).key()
    assert folder(root, split_by_file=False, table="t.csv", folder_classes=False, n_workers=2).key() == key
    others = [
        *({"seconds": 0.3}, {"hop_seconds": 0.2}, {"rest": "pad"}, {"silence_db": None}, {"sample_rate": 8000}),
        *({"amplitude": "file"}, {"amplitude": "set"}, {"amplitude": "class"}),
        {"amplitude": "class", "table": "t.csv", "columns": {"take": "class"}},
    ]
    keys = [repr(folder(root, **options).key()) for options in others]
    assert len({*keys, repr(key)}) == len(others) + 1

    root.rename(tmp_path / "moved")
    assert folder(tmp_path / "moved").key() == key
    os.utime(tmp_path / "moved" / "x" / "a.wav", ns=(1, 1))
    assert folder(tmp_path / "moved").key() != key


def test_attributes_of_a_table_are_those_of_each_clips_file(folder, music):
    text = "file,height\n" + "".join(f"{c}/{f},{n}\n" for n, (c, f) in enumerate(
        (c, f) for c in ("horn", "viola") for f in ("a", "b", "c", "d")
    ))  # fmt: skip
    table = music.parent / "heights.csv"
    table.write_text(text)

    source = folder(music, table=table)

    assert source.attribute_names == ("height",)
    assert source.attributes()["height"].tolist() == [index // 3 for index in range(24)]


def test_no_file_is_on_both_sides_and_each_class_is(folder, music):
    source = folder(music)
    labels, groups = source.labels()["folder"], source.groups()
    held_out = set()
    for seed in range(6):
        parts = source.parts(0.25, seed)
        assert set(parts.tolist()) == {Part.TRAIN, Part.VALIDATION}
        for group in range(8):
            assert len(set(parts[groups == group].tolist())) == 1
        assert [(parts[labels == label] == Part.VALIDATION).sum() for label in (0, 1)] == [3, 3]
        held_out.add(parts.tobytes())
    assert len(held_out) > 1
    np.testing.assert_array_equal(source.parts(0.25, 3), source.parts(0.25, 3))


def test_groups_of_a_table_are_on_one_side(folder, music):
    table = music.parent / "sessions.csv"
    table.write_text("file,session\n" + "".join(f"{c}/{f},{f in 'ab'}\n" for c in ("horn", "viola") for f in "abcd"))

    source = folder(music, table=table, columns={"session": "group"})

    for seed in range(4):
        parts = source.parts(0.25, seed).reshape(2, 4, 3)
        assert len(set(parts[:, :2].ravel().tolist())) == 1
        assert len(set(parts[:, 2:].ravel().tolist())) == 1
        assert len(set(parts.ravel().tolist())) == 2


def test_folders_are_the_split(folder, tmp_path, write, note):
    for name in ("train/x/a.wav", "train/y/b.wav", "Valid/x/c.wav", "test/y/d.wav"):
        write(tmp_path / name, note(0.4))

    source = folder(tmp_path)

    assert source.clip_names(np.arange(4)) == [f"{name} at 0 s" for name in (
        "Valid/x/c.wav", "test/y/d.wav", "train/x/a.wav", "train/y/b.wav")]  # fmt: skip
    for seed in range(3):
        assert source.parts(0.5, seed).tolist() == [Part.VALIDATION, Part.TEST, Part.TRAIN, Part.TRAIN]
    assert source.class_names == {"folder": ("x", "y")}


def test_without_a_folder_of_them_validation_clips_are_drawn_of_the_training_clips(folder, tmp_path, write, note):
    for name in ("train/a.wav", "train/b.wav", "train/c.wav", "test/d.wav"):
        write(tmp_path / name, note(0.4))

    source = folder(tmp_path)

    drawn = {tuple(source.parts(0.34, seed).tolist()) for seed in range(8)}
    assert all(parts[0] == Part.TEST and sorted(parts[1:]) == [0, 0, 1] for parts in drawn)
    assert len(drawn) > 1


def test_one_file_cannot_be_divided_but_its_segments_can(folder, tmp_path, write, note):
    write(tmp_path / "x" / "a.wav", note(4))
    write(tmp_path / "y" / "b.wav", note(4))
    with pytest.raises(
        DataError, match=r"are of 2 files, or as many groups of files: too few to keep .* set split_by_file to false"
    ):
        folder(tmp_path).parts(0.2, 0)

    source = folder(tmp_path, split_by_file=False)

    parts = source.parts(0.2, 0)
    assert [(parts[source.labels()["folder"] == label] == Part.VALIDATION).sum() for label in (0, 1)] == [2, 2]
    assert source.groups().tolist() == list(range(20))


def test_files_that_cannot_be_used_are_named_at_once_or_left_out(folder, tmp_path, write, note):
    write(tmp_path / "good.wav", note(0.4))
    write(tmp_path / "empty.wav", np.zeros(0))
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(DataError) as error:
        folder(tmp_path)
    assert f"{tmp_path}/empty.wav holds no samples; cannot read {tmp_path}/text.wav: " in str(error.value)
    assert str(error.value).endswith("Replace or remove them, or set unreadable to leave_out.")

    source = folder(tmp_path, unreadable="leave_out")

    assert source.clip_names(np.arange(len(source))) == ["good.wav at 0 s"]
    with pytest.warns(UserWarning, match=r"2 files left out: .*empty\.wav holds no samples; cannot read .*text\.wav"):
        source.prepare()


def test_files_that_are_found_wanting_when_they_are_heard(folder, tmp_path, write, note):
    write(tmp_path / "good.wav", note(0.4))
    write(tmp_path / "nan.wav", np.where(np.arange(6400) == 3, np.nan, 0.1))
    path = write(tmp_path / "short.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 32_000))
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(
        DataError, match=r"nan\.wav holds NaN or infinite samples; .*short\.flac.*set unreadable to leave_o"
    ):
        folder(tmp_path).prepare()

    source = folder(tmp_path, unreadable="leave_out")

    assert source.clip_names(np.arange(len(source))) == ["good.wav at 0 s"]
    key = source.key()
    (tmp_path / "nan.wav").unlink()
    path.unlink()
    assert folder(tmp_path).key() == key  # what is left out determines nothing


def test_nothing_that_can_be_read(folder, tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    with pytest.raises(DataError, match=r"none of the 1 files of audio in .* can be read: cannot read .*a\.wav"):
        folder(tmp_path, unreadable="leave_out")


@pytest.mark.parametrize(
    ("seconds", "level", "message"),
    [
        (
            0.3,
            0.5,
            r"nothing is left of the 1 recordings in .*dropped: too short 1; set rest to pad, or seconds to less ",
        ),
        (0.4, 1e-4, r"nothing is left of the 1 recordings in .*dropped: silence 1; set silence_db to less than -60\.0"),
        (0.4, 0.0, r"nothing is left of the 1 recordings in .*dropped: silence 1"),
    ],
)
def test_nothing_that_can_be_heard(folder, tmp_path, write, note, seconds, level, message):
    write(tmp_path / "a.wav", note(seconds, level=1) * level)
    with pytest.raises(DataError, match=message):
        folder(tmp_path).prepare()


def test_silence_that_is_kept_is_not_divided_by_its_peak(folder, tmp_path, write):
    write(tmp_path / "a.wav", np.zeros(6400))

    assert not folder(tmp_path, silence_db=None, amplitude="file").audio(0).any()


@pytest.mark.filterwarnings("ignore:folder .* one file")
def test_low_rates_are_warned_of(folder, tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.4, rate=8000), 8000)
    write(tmp_path / "b.wav", note(0.4))

    source = folder(tmp_path)

    with pytest.warns(
        UserWarning, match=r"1 of 2 recordings have a sample rate of 8000 Hz, and clips have 16000 Hz: noth"
    ):
        source.prepare()
    spectrum = np.abs(np.fft.rfft(source.audio(0) * np.hanning(6400)))
    assert spectrum[: 3900 * 6400 // 16_000].max() > 1e4 * spectrum[4100 * 6400 // 16_000 :].max()


@pytest.mark.filterwarnings("ignore:folder y has one file")
def test_classes_with_one_file_are_warned_of(folder, tmp_path, write, note):
    for name in ("x/a.wav", "x/b.wav", "y/c.wav", "z/d.wav"):
        write(tmp_path / name, note(0.4))
    with pytest.warns(
        UserWarning, match=r"folder y, z have one file, which is on one side of the split: it cannot be eva"
    ):
        folder(tmp_path).prepare()
    write(tmp_path / "z/d.wav", note(0.4) * 1e-5)
    with pytest.warns(UserWarning, match=r"nothing is left of folder z"):
        folder(tmp_path).prepare()


def test_what_is_kept_is_said(folder, music, caplog):
    with caplog.at_level(logging.INFO):
        folder(music).prepare()
    assert f"{music}: kept 24 of 24 segments of 0.4 s of 8 files. Which and why is in segments.csv" in caplog.text


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"amplitude": "peak"}, r"amplitude is 'peak'; choose from as_it_is, file, class, set"),
        ({"unreadable": "skip"}, r"unreadable is 'skip'; choose from refuse, leave_out"),
        (
            {"amplitude": "class", "folder_classes": False},
            r"amplitude is 'class', and these recordings have no classes",
        ),
    ],
)
def test_options_that_name_nothing(folder, music, option, message):
    with pytest.raises(DataError, match=message):
        folder(music, **option)


def test_a_file_that_changes_after_it_was_found_is_noticed(folder, tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.4))
    source = folder(tmp_path)
    source.prepare()
    write(tmp_path / "a.wav", note(0.8))

    with pytest.raises(DataError, match=r"a\.wav changed while it was read; run again"):
        source.audio(0)
    assert len(folder(tmp_path)) == 2


def test_stereo_and_mono_of_the_same_sound_are_the_same(folder, tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.4))
    write(tmp_path / "b.wav", np.stack([note(0.4)] * 2, axis=1))

    source = folder(tmp_path)

    np.testing.assert_allclose(source.audio(0), source.audio(1), atol=1e-7)


def test_names_in_any_script_reach_the_table(folder, tmp_path, write, note):
    for name in ("笛/ё.wav", "tambour à main/b.wav"):
        write(tmp_path / name, note(0.4))

    source = folder(tmp_path)

    assert source.class_names == {"folder": ("tambour à main", "笛")}
    assert "笛/ё.wav" in source.segments_csv()


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_that_cannot_be_written_is_read(folder, tmp_path, write, note):
    write(tmp_path / "root" / "a.wav", note(0.4))
    (tmp_path / "root").chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert len(folder(tmp_path / "root")) == 1
    finally:
        (tmp_path / "root").chmod(stat.S_IRWXU)


def test_an_mp3_is_cut_where_its_sound_ends(folder, tmp_path, write):
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 2 * 44_100)
    path = write(tmp_path / "a.mp3", audio, 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])  # the header tells of 2 s
    n_decoded = len(soundfile.read(path)[0])
    assert n_decoded < 1.2 * 44_100

    source = folder(tmp_path, rest="pad")

    assert len(source) == -(-n_decoded // round(0.4 * 44_100))
    assert torch.from_numpy(np.stack([source.audio(index) for index in range(len(source))])).isfinite().all()
