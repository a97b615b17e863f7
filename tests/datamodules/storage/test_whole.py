"""Drafts that killed processes have left."""

import pytest

from datamodules.storage.whole import remove_drafts, whole_file, whole_folder


def test_drafts_are_removed_and_nothing_else(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "last.ckpt") as draft:
        name = draft.name
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    others = {"last.ckpt", ".lock", ".hidden.ckpt", name.lstrip("."), ".cafe.ckpt"}
    for other in (*others, name):
        (tmp_path / other).write_text("")

    remove_drafts(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == others


def test_folder_that_is_not_there_has_no_drafts(tmp_path):
    remove_drafts(tmp_path / "absent")

    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_there_is_replaced_when_the_new_one_is_whole(tmp_path):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "entry") as draft:
            (draft / "text.txt").write_text(text)
            assert (tmp_path / "entry" / "text.txt").exists() == (text == "second")
        assert (tmp_path / "entry" / "text.txt").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]
