"""Files as they are named, and the names of what is made of them."""

from pathlib import Path

import pytest

from lightning_app.errors import RunError
from lightning_app.own_sounds.files import check_sounds, short_names, sound_files


def test_folders_are_searched_and_each_file_is_taken_once(sound_file, tmp_path):
    files = [sound_file(name) for name in ("in/b.FLAC", "in/deep/a ♪.wav", "in/c.ogg", "other.aiff")]
    (tmp_path / "in" / "._b.FLAC").write_bytes(b"left by a file system")
    (tmp_path / "in" / "notes.txt").write_text("no audio")

    found = sound_files([tmp_path / "other.aiff", tmp_path / "in", tmp_path / "in" / "c.ogg"])

    assert found[0] == files[3]
    assert set(found) == set(files)
    assert len(found) == 4


def test_what_is_not_there_is_named_all_at_once(sound_file, tmp_path):
    with pytest.raises(RunError, match=r"there is no file .*x\.wav, .*y\.wav\.$"):
        sound_files([sound_file("a.wav"), tmp_path / "x.wav", tmp_path / "y.wav"])


def test_folder_without_audio(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"there is no audio in the folder .*empty"):
        sound_files([tmp_path / "empty"])


def test_formats_that_are_not_read_are_named_in_one_warning(sound_file, tmp_path, caplog):
    good = sound_file("in/a.wav")
    for name in ("in/b.m4a", "in/deep/c.WMA"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert sound_files([tmp_path / "in", tmp_path / "in" / "deep" / ".."]) == [good]

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    for part in ("b.m4a", "c.WMA", "Convert them to FLAC or WAV"):
        assert record.getMessage().count(part) == 1


def test_a_folder_of_formats_that_are_not_read_alone(tmp_path):
    (tmp_path / "phone.m4a").touch()
    with pytest.raises(RunError, match=r"there is no audio in the folder .*; convert .*phone\.m4a to FLAC or WAV\.$"):
        sound_files([tmp_path])


def test_what_cannot_be_heard_is_named_all_at_once(sound_file, tmp_path):
    good, short = sound_file("good.wav"), sound_file("short.wav", seconds=0.05)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(good.read_bytes()[:30])

    with pytest.raises(RunError, match=r"short\.wav lasts 0\.05 s; give .* or more; .*broken\.wav is no audio"):
        check_sounds([good, short, broken])
    check_sounds([good])


def test_names_differ_even_where_letter_case_does_not_count():
    names = short_names([Path("a/Solo.wav"), Path("b/solo.wav"), Path("b/solo.flac"), Path("c/トランペット.wav")])

    assert names == ["a_Solo", "b_solo", "b_solo_2", "トランペット"]


def test_long_names_leave_room_for_another_beside_them():
    (name,) = short_names([Path("音" * 80 + ".wav")])

    assert 70 < len(name.encode()) <= 80
    assert name == "音" * len(name)
