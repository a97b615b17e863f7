"""Where results may be written, which is known before they are made."""

import os

import pytest

from lightning_app.errors import RunError
from lightning_app.own_sounds.output import check_place


def test_folder_that_is_not_there_yet(tmp_path):
    check_place(tmp_path / "new" / "deep", [tmp_path / "new" / "deep" / "a.wav"], [], overwrite=False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folder_that_may_not_be_written_to(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o500)

    with pytest.raises(RunError, match=r"nothing may be written to .*mine; name another place with --out"):
        check_place(tmp_path / "mine" / "new", [], [], overwrite=False)
