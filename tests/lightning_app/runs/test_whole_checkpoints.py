"""Checkpoints on disks that are full, and in processes that are killed."""

import os
import resource
import signal
import tempfile

import pytest
import torch

from datamodules.storage.whole import remove_drafts
from lightning_app.errors import RunError
from lightning_app.runs.whole_checkpoints import WholeCheckpoints
from tests.lightning_app.processes import ended_by, in_process

SMALL = {"epoch": 1, "weights": torch.zeros(4)}
LARGE = {"epoch": 2, "weights": torch.zeros(100_000)}
LIMIT = 50_000
"""Bytes that a file may have: more than the small checkpoint takes, and less than the large one."""


@pytest.fixture
def last(tmp_path):
    """A checkpoint that is there."""
    WholeCheckpoints().save_checkpoint(SMALL, tmp_path / "checkpoints" / "last.ckpt")
    return tmp_path / "checkpoints" / "last.ckpt"


def test_checkpoint_is_written_beside_its_place(last, monkeypatch):
    """And not to the folder of temporary files, which may lie on another disk: here there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(last.parent / "absent"))

    WholeCheckpoints().save_checkpoint(LARGE, last)

    assert torch.load(last, weights_only=True)["epoch"] == 2
    assert list(last.parent.iterdir()) == [last]


def test_full_disk_is_one_message_and_the_checkpoint_before_stays(last):
    before = last.read_bytes()

    def refusal():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        with pytest.raises(RunError) as raised:
            WholeCheckpoints().save_checkpoint(LARGE, last)
        return str(raised.value)

    message = in_process(refusal)
    assert message.startswith(f"cannot write {last}: File too large; free some space, and type the same again.")
    assert message.endswith("Checkpoints from before are whole: `--ckpt_path last` goes on.")
    assert last.read_bytes() == before
    assert list(last.parent.iterdir()) == [last]


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "checkpoints").write_text("")

    with pytest.raises(RunError, match="cannot make the folder"):
        WholeCheckpoints().save_checkpoint(SMALL, tmp_path / "checkpoints" / "last.ckpt")


def test_process_that_is_killed_as_it_writes_leaves_the_checkpoint_before(last):
    before = last.read_bytes()

    def killed():
        # The system kills a process at the write that goes too far; Python has that ignored.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        WholeCheckpoints().save_checkpoint(LARGE, last)

    assert ended_by(killed) is signal.SIGXFSZ
    assert last.read_bytes() == before
    (draft,) = (path for path in last.parent.iterdir() if path != last)
    assert draft.stat().st_size <= LIMIT

    remove_drafts(last.parent)
    assert list(last.parent.iterdir()) == [last]


class Malicious:
    """Runs a program as it is read by those who read objects."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("asked", [None, False, True])
def test_object_in_a_checkpoint_is_never_run(tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    torch.save({"epoch": 1, "other": Malicious()}, "last.ckpt")

    with pytest.raises(Exception, match="Weights only load failed"):
        WholeCheckpoints().load_checkpoint("last.ckpt", weights_only=asked)

    assert not (tmp_path / "ran").exists()
