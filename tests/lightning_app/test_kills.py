"""A training that is killed, whenever that is, and started again by the same command ends as one that was not."""

import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch

from tests.lightning_app.test_processes import ENVIRONMENT, RECORD
from tests.processes import of_session, wait_until

pytestmark = pytest.mark.slow

N_KILLS = 20
# Three epochs of the first stage and three of the second, of six steps each.
SIX_EPOCHS = ["--data.size", "30", "--data.batch_size", "4", "--trainer.max_epochs", "6"]
SIX_EPOCHS += ["--schedule.constrained_epochs", "3", "--ckpt_path", "last"]
STEP_SECONDS = 0.05


@pytest.fixture
def command(training):
    """Returns the folder of a run and the command that starts it, or goes on with it."""
    return lambda folder, *options: training("ts_dsae", folder, *SIX_EPOCHS, *options)


def run(command: list[str], moment: str | None = None, seconds: float = 0.0) -> subprocess.CompletedProcess:
    """Runs a training until it ends or is killed."""
    callbacks = [f"{RECORD}.Unhurried", "--trainer.callbacks.seconds", str(STEP_SECONDS)]
    if moment is not None:
        killed = ["--trainer.callbacks.moment", moment, "--trainer.callbacks.seconds", str(seconds)]
        callbacks += [f"{RECORD}.Killed", *killed]
    done = subprocess.run([*command, *callbacks], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
    assert "cannot be read" not in done.stdout  # no checkpoint was spoilt
    return done


def weights(root: Path) -> dict[str, torch.Tensor]:
    state = torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["epoch"] == 5
    return {name: value for name, value in state["state_dict"].items() if isinstance(value, torch.Tensor)}


def assert_same(root: Path, undisturbed: Path) -> None:
    torch.testing.assert_close(weights(root), weights(undisturbed), rtol=0.0, atol=0.0)
    best, expected = (torch.load(path / "checkpoints" / "best.ckpt", weights_only=True) for path in (root, undisturbed))
    assert best["global_step"] == expected["global_step"]
    assert not list(root.rglob(".*.ckpt"))  # what was left of a checkpoint is gone


@pytest.fixture
def undisturbed(command):
    root, whole = command("undisturbed")
    assert run(whole).returncode == 0
    return root


@pytest.mark.parametrize("num_workers", [0, 2])
def test_kills_at_random_moments(command, undisturbed, num_workers):
    generator = random.Random(num_workers)
    root, again = command("killed", "--data.num_workers", str(num_workers))
    n_kills = n_ends = 0
    while n_kills < N_KILLS // 2:
        # Most are within two epochs, so that some runs come far.
        done = run(again, "seconds", generator.uniform(0.0, 2.5 * 6 * STEP_SECONDS))
        n_kills += done.returncode != 0
        if done.returncode == 0:
            assert_same(root, undisturbed)
            shutil.rmtree(root)
            n_ends += 1

    if root.exists() or not n_ends:
        assert run(again).returncode == 0
        assert_same(root, undisturbed)


@pytest.mark.parametrize("moment", ["checkpoint", "stage", "validation"])
def test_kills_at_moments_of_danger(command, undisturbed, moment):
    root, again = command("killed")
    assert run(again, "seconds", 1.5 * 6 * STEP_SECONDS).returncode == -signal.SIGKILL

    for _ in range(2):
        assert run(again, moment).returncode == -signal.SIGKILL
    assert run(again).returncode == 0

    assert_same(root, undisturbed)


def test_kill_while_the_cache_is_written(command, undisturbed, tmp_path):
    cache = tmp_path / "cache"
    root, again = command("killed", "--data.cache_dir", str(cache))
    with subprocess.Popen(again, env=ENVIRONMENT, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: any(cache.glob("*.draft-*/*.npy")), "an entry is being written")
        process.kill()
    wait_until(lambda: not of_session(process.pid), "its workers end")

    assert run(again).returncode == 0

    assert_same(root, undisturbed)
    assert not list(cache.glob("*.draft-*"))
