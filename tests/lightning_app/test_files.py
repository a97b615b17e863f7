import pytest

from lightning_app.files import whole_file


def test_appears_with_its_content_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "folder" / "scores.json"
    for text in ("first", "second"):
        with whole_file(path) as draft:
            assert draft.suffix == ".json"
            draft.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_error_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")

    with pytest.raises(ZeroDivisionError), whole_file(path) as draft:
        draft.write_text("ha")
        raise ZeroDivisionError

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
