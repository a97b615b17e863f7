"""Which files are found, and what is said of those that cannot be used."""

import os
import stat

import numpy as np
import pytest

from datamodules.audio_folder.recordings import find_recordings
from datamodules.errors import DataError


def names(root):
    return [one.name for one in find_recordings(root).recordings]


def test_endings_in_any_case_and_names_in_any_script(tmp_path, write, note):
    expected = ["A B.WAV", "c.Flac", "été/d.ogg", "笛/ё.aiff"]
    for name in expected:
        path = write(tmp_path / name.lower(), note(0.1))
        (tmp_path / name).parent.mkdir(exist_ok=True)
        path.rename(tmp_path / name)

    assert names(tmp_path) == expected


def test_debris_and_other_files_are_passed_over(tmp_path, write, note):
    for name in ("a.wav", "._a.wav", ".hidden/b.wav", "__MACOSX/c.wav"):
        write(tmp_path / name, note(0.1))
    (tmp_path / "notes.txt").write_text("no audio")
    (tmp_path / "folder.wav").mkdir()

    assert names(tmp_path) == ["a.wav"]


def test_a_link_to_a_folder_is_followed_and_a_circle_is_not(tmp_path, write, note):
    write(tmp_path / "elsewhere" / "take" / "a.wav", note(0.1))
    root = tmp_path / "root"
    write(root / "own" / "b.wav", note(0.1))
    (root / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "own" / "circle").symlink_to(root, target_is_directory=True)
    (root / "also_own").symlink_to(root / "own", target_is_directory=True)  # sorts before what it leads to
    (root / "broken").symlink_to(tmp_path / "absent")

    assert names(root) == ["linked/take/a.wav", "own/b.wav"]


def test_a_link_to_a_file_is_read_and_a_broken_one_is_a_problem(tmp_path, write, note):
    write(tmp_path / "elsewhere.wav", note(0.1))
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.wav").symlink_to(tmp_path / "elsewhere.wav")
    (root / "b.wav").symlink_to(tmp_path / "absent.wav")

    found = find_recordings(root)

    assert [one.name for one in found.recordings] == ["a.wav"]
    assert found.problems == {"b.wav": f"cannot read {root}/b.wav: No such file or directory"}


def test_all_files_that_cannot_be_used_are_problems(tmp_path, write, note):
    write(tmp_path / "good.wav", note(0.1))
    write(tmp_path / "empty.wav", np.zeros(0))
    (tmp_path / "zero.mp3").touch()
    (tmp_path / "text.flac").write_text("no audio")
    (tmp_path / "phone.m4a").write_bytes(b"\0" * 100)

    problems = find_recordings(tmp_path).problems

    assert list(problems) == ["empty.wav", "phone.m4a", "text.flac", "zero.mp3"]
    assert problems["empty.wav"] == f"{tmp_path}/empty.wav holds no samples"
    assert problems["phone.m4a"].endswith("in a format that libsndfile does not read; convert it to FLAC or WAV")
    assert problems["text.flac"].startswith(f"cannot read {tmp_path}/text.flac: ")


def test_no_folder_a_file_and_no_audio(tmp_path, write, note):
    with pytest.raises(DataError, match=r"there is no folder .*absent; set root to the folder with your recordings"):
        find_recordings(tmp_path / "absent")
    with pytest.raises(DataError, match=r"a\.wav is a file; set root to the folder that it lies in"):
        find_recordings(write(tmp_path / "a.wav", note(0.1)))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.txt").touch()
    with pytest.raises(DataError, match=r"there is no audio in .*none or its folders; .*\.wav, .*\.mp3"):
        find_recordings(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_that_cannot_be_looked_into_is_a_problem(tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.1))
    write(tmp_path / "closed" / "b.wav", note(0.1))
    (tmp_path / "closed").chmod(0)
    try:
        problems = find_recordings(tmp_path).problems
    finally:
        (tmp_path / "closed").chmod(stat.S_IRWXU)

    assert problems == {"closed": f"cannot look into {tmp_path}/closed: Permission denied"}


def test_names_that_are_no_text_are_written_out(tmp_path, write, note):
    os.rename(write(tmp_path / "a.wav", note(0.1)), os.fsencode(tmp_path) + b"/b\xff.wav")  # noqa: PTH104

    assert names(tmp_path) == ["b\\xff.wav"]
