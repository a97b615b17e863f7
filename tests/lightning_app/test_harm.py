"""What comes of a run's files when something goes wrong: a full disk, a mistake, a checkpoint of bad intent."""

import contextlib
import io
import os
import resource
import shutil

import pytest
import torch

from lightning_app.errors import RunError
from lightning_app.runs.load_run import load_run
from tests.lightning_app.processes import in_process


class Malicious:
    """Runs a program as it is read by those who read objects."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("subcommand", ["fit", "validate", "test", "predict"])
def test_checkpoint_of_bad_intent_is_never_run(disentangle, tmp_path, monkeypatch, capsys, subcommand):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.ckpt"
    torch.save({"state_dict": {}, "epoch": 0, "global_step": 0, "other": Malicious()}, path)

    with pytest.raises(SystemExit) as exit_:
        disentangle(subcommand, "--ckpt_path", str(path))

    assert exit_.value.code == 1
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert f"{path} is not a checkpoint of this project: it holds objects other than weights" in message
    assert not (tmp_path / "ran").exists()


def test_checkpoint_of_bad_intent_is_never_run_in_python(small_vae_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_vae_run, "run")
    torch.save({"state_dict": {}, "epoch": 0, "global_step": 0, "other": Malicious()}, "run/checkpoints/best.ckpt")

    with pytest.raises(RunError, match="it holds objects other than weights"):
        load_run("run")

    assert not (tmp_path / "ran").exists()


def test_checkpoints_are_not_read_otherwise_on_demand(disentangle, capsys):
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--weights_only", "false")

    assert exit_.value.code == 2
    assert "--weights_only false: checkpoints are read without running what may be in them" in capsys.readouterr().err


def _said_on_a_small_disk(call, n_bytes):
    """What a call prints as its error where no file may have more bytes, in a process of its own."""

    def attempt():
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
        said = io.StringIO()
        with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as exit_:
            call()
        assert exit_.value.code == 1
        return [line for line in said.getvalue().splitlines() if line.startswith("error")]

    return in_process(attempt)


@pytest.mark.slow
def test_full_disk_is_one_message_and_what_was_there_stays(disentangle):
    root = disentangle("fit", "--trainer.max_epochs", "2", "--media", "null")
    before = {path: path.read_bytes() for path in (root / "checkpoints").iterdir()}

    for call, n_bytes, file in (
        (("fit", "--trainer.max_epochs", "4", "--ckpt_path", "last", "--media", "null"), 100_000, "checkpoints/"),
        (("predict", "--ckpt_path", str(root / "checkpoints" / "best.ckpt")), 8_000, "encodings.npz"),
    ):
        (message,) = _said_on_a_small_disk(lambda call=call: disentangle(*call), n_bytes)
        assert f"cannot write {root / file}" in message
        assert "File too large; free some space, and type the same again." in message

    assert {path: path.read_bytes() for path in (root / "checkpoints").iterdir()} == before
    assert not [path for path in root.rglob(".*") if path.suffix not in (".lock", "")]
    disentangle("fit", "--trainer.max_epochs", "3", "--ckpt_path", "last", "--media", "null")
    assert torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 2


@pytest.mark.slow
def test_run_that_is_replaced_stays_until_another_can_begin(disentangle, capsys):
    root = disentangle("fit", "--trainer.max_epochs", "2", "--media", "null")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    for mistake in (("--data.size", "20000"), ("--checkpoint.monitor", "val/nothing"), ("--media.factor", "octave")):
        with pytest.raises(SystemExit):
            disentangle("fit", "--overwrite", *mistake)
        assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "name", ["n" * 300, "é" * 150, "two\nlines", "../x", "..", "${oc.env:HOME}", "${nowhere}", "${"]
)
def test_name_that_is_no_name_of_a_folder(disentangle, tmp_path, capsys, name):
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--name", name)

    assert exit_.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
