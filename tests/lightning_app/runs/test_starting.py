"""What a call may do to a folder, and the checkpoint that it takes up."""

import pytest
import torch

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.starting import checkpoint_to_load, refuse_to_overwrite


@pytest.fixture
def folder(tmp_path):
    """A run with two checkpoints."""
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    for path, step in ((folder.best_checkpoint, 5), (folder.last_checkpoint, 9)):
        torch.save({"state_dict": {}, "epoch": step // 3, "global_step": step}, path)
    return folder


def test_path_is_taken_as_it_is(folder):
    assert checkpoint_to_load("test", folder, str(folder.best_checkpoint)) == folder.best_checkpoint


def test_newest_checkpoint_is_that_of_the_most_steps(folder, capsys):
    assert checkpoint_to_load("fit", folder, "last") == folder.last_checkpoint
    assert capsys.readouterr().out == ""


def test_spoilt_checkpoint_is_passed_over_and_named(folder, capsys):
    folder.last_checkpoint.write_bytes(folder.last_checkpoint.read_bytes()[:200])

    assert checkpoint_to_load("fit", folder, "last") == folder.best_checkpoint
    assert "last.ckpt in" in (said := capsys.readouterr().out)
    assert "cannot be read; taking best.ckpt, of step 5" in said


def test_no_whole_checkpoint(folder):
    folder.best_checkpoint.unlink()
    folder.last_checkpoint.write_text("")

    with pytest.raises(RunError, match="has no whole checkpoint to take up; train it anew with --overwrite"):
        checkpoint_to_load("fit", folder, "last")


def test_training_needs_no_checkpoint_and_evaluation_does(folder):
    assert checkpoint_to_load("fit", folder, None) is None
    with pytest.raises(RunError, match="disentangle test needs a trained model"):
        checkpoint_to_load("test", folder, None)


# Overwriting


def test_run_that_is_gone_on_with_is_not_overwritten(folder):
    refuse_to_overwrite(folder, folder.last_checkpoint, overwrite=False)


def test_new_folder_takes_any_checkpoint(folder, tmp_path):
    refuse_to_overwrite(RunFolder(tmp_path / "new"), folder.last_checkpoint, overwrite=False)
    refuse_to_overwrite(RunFolder(tmp_path / "new"), None, overwrite=False)


@pytest.mark.parametrize("checkpoint", [None, "elsewhere.ckpt"])
def test_run_of_others_is_kept_unless_it_is_to_go(folder, tmp_path, checkpoint):
    given = checkpoint and tmp_path / checkpoint

    with pytest.raises(RunError, match=r"already holds a run.*--ckpt_path last.*--overwrite.*--name"):
        refuse_to_overwrite(folder, given, overwrite=False)
    refuse_to_overwrite(folder, given, overwrite=True)


def test_checkpoint_that_would_be_removed(folder):
    with pytest.raises(RunError, match="--overwrite would remove"):
        refuse_to_overwrite(folder, folder.last_checkpoint, overwrite=True)
