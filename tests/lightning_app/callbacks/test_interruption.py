"""Signals in training: a checkpoint in the middle of an epoch, from which it ends as if it had not been stopped."""

import signal

import pytest
import torch

from tests.lightning_app.callbacks import signalled

SIGNALLED = f"--trainer.callbacks+={signalled.__name__}.Signalled"


@pytest.fixture
def stopped(disentangle, capfd):
    """Runs a training that gets signals; returns its folder, its exit status, and what it said."""

    def run(*signals: int, epoch: int = 1, batch: int = 0, options: tuple[str, ...] = (), folder: str = "stopped"):
        where = [f"--trainer.callbacks.epoch={epoch}", f"--trainer.callbacks.batch={batch}"]
        told = f"--trainer.callbacks.signals=[{', '.join(str(int(number)) for number in signals)}]"
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(SystemExit) as end:
            disentangle("fit", SIGNALLED, told, *where, *options, folder=folder)
        signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored, as the process is to end
        return folder, end.value.code, capfd.readouterr().err

    return run


def state(folder, name="last"):
    return torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_goes_on_from_the_middle_of_an_epoch_as_if_it_had_not_stopped(stopped, disentangle, number, status):
    whole = disentangle("fit", folder="whole")
    folder, code, said = stopped(number)
    left = state(whole.parent / folder)

    went_on = disentangle("fit", "--ckpt_path", "last", folder=folder)

    assert code == status
    assert "Stopping after this step, with a checkpoint" in said
    assert "Stopped in epoch 1, after batch 0. --ckpt_path last goes on from there" in said
    assert (left["epoch"], left["global_step"]) == (1, 3)
    ended, expected = state(went_on), state(whole)
    assert ended["global_step"] == expected["global_step"] == 6
    assert ended["state_dict"].keys() == expected["state_dict"].keys()
    for name, values in expected["state_dict"].items():
        assert torch.equal(ended["state_dict"][name], values) if isinstance(values, torch.Tensor) else values
    assert ended["callbacks"].keys() == expected["callbacks"].keys()


def test_the_last_step_of_an_epoch_is_not_one_to_stop_after(stopped, tmp_path):
    _, code, said = stopped(signal.SIGTERM, epoch=0, batch=1)

    assert code == 143
    assert "Stopped in epoch 1, after batch 0" in said


@pytest.mark.parametrize("option", ["--trainer.accumulate_grad_batches", "--trainer.val_check_interval"])
def test_a_step_is_whole_and_validated_before_a_stop(stopped, tmp_path, option):
    # One step an epoch, or a validation after each batch: there is nowhere to stop, and training comes to its end.
    value = "2" if option.endswith("batches") else "1"
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        stopped(signal.SIGTERM, options=(option, value))

    assert state(tmp_path / "stopped")["epoch"] == 2


def test_a_second_signal_stops_at_once_and_the_checkpoint_before_stays(stopped, tmp_path):
    _, code, said = stopped(signal.SIGTERM, signal.SIGTERM)

    assert code == 143
    assert "Stopped in" not in said
    assert state(tmp_path / "stopped")["global_step"] == 2  # the end of the first epoch


def test_without_checkpoints_a_signal_only_stops(stopped, tmp_path):
    none = ("--checkpoint", "null", "--last_checkpoint", "null", "--trainer.enable_checkpointing", "false")
    _, code, said = stopped(signal.SIGTERM, options=none)

    assert code == 143
    assert "Stopped in" not in said
    assert not list((tmp_path / "stopped").rglob("*.ckpt"))
