"""Two gloo processes train and score as one does; where one is lost, the other ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.lightning_app import rank_record
from tests.processes import lives, wait_until

RECORD = f"--trainer.callbacks+={rank_record.__name__}"
SHARED = {
    "ar_vae": ["--data.batch_size", "8", "--trainer.max_epochs", "2"],
    "dsae": ["--data.size", "37", "--data.batch_size", "8"],
}
# Adam makes steps of full size of gradients that are zero but for rounding, as those before a normalisation are: what
# two processes round otherwise than one would be seen in float32, and says nothing about the mathematics.
EXACT = ("--trainer.precision", "64-true")
EVIDENCE = (
    *("--evaluation.leakage", "true", "--evaluation.information", "true", "--evaluation.judge", "true"),
    *("--evaluation.mixture_components", "2", "--evaluation.counterfactuals", "24"),
)
TWO = ["--trainer.devices", "2", "--trainer.strategy", "ddp_find_unused_parameters_true"]
# Tests of other packages hide it; a process of a run finds what its command names.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}


def run(command: list[str]) -> None:
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def trained(training):
    """Trains a model in some processes; returns the run's folder and that of the records of the ranks."""

    def train(config: str, name: str, *options: str) -> tuple[Path, Path]:
        root, command = training(config, name, *SHARED["ar_vae" if config == "ar_vae" else "dsae"], *options)
        records = root.with_name(f"{name}_ranks")
        records.mkdir()
        run([*command, f"{RECORD}.RankRecord", "--trainer.callbacks.folder", str(records)])
        return root, records

    return train


def weights(root: Path) -> dict[str, torch.Tensor]:
    state = torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ("ts_dsae", ()),
        pytest.param("ts_dsae", ("--model.posterior", "full", *EXACT), marks=slow),
        pytest.param("ts_dsae", ("--data.num_workers", "2", "--trainer.accumulate_grad_batches", "2"), marks=slow),
        pytest.param("ts_dsae_richer_decoder", (), marks=slow),
        pytest.param("ts_dsae_without_regularisers", (), marks=slow),
        pytest.param("dsae_f", (), marks=slow),
        pytest.param("dsae", (), marks=slow),
        pytest.param("ar_vae", EXACT, marks=slow),
        pytest.param("ar_vae", (*EXACT, "--model.reduction", "mean", "--data.represent", "ahead"), marks=slow),
    ],
)
def test_two_processes_train_and_score_as_one(trained, config, options):
    one, _ = trained(config, "one", *options)
    two, records = trained(config, "two", *options, *TWO)

    for epoch in range(2 if config == "ar_vae" else 3):
        first, second = ((records / f"epoch{epoch}_rank{rank}").read_text() for rank in range(2))
        assert first == second  # to the last bit
    torch.testing.assert_close(weights(two), weights(one), rtol=0.0, atol=1e-5)

    assert_two_processes_score_as_one(one)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "options", "evidence"),
    [
        ("ts_dsae", ("--data.size", "120"), EVIDENCE),
        ("ar_vae", EXACT, ("--evaluation.control_clips", "5")),
    ],
)
def test_two_processes_find_the_same_evidence(trained, config, options, evidence):
    one, _ = trained(config, "one", *options)

    assert_two_processes_score_as_one(one, *evidence)


def assert_two_processes_score_as_one(folder: Path, *options: str) -> None:
    """Tests a run in one process and in two; batches differ in size, so floating-point sums do in their last digits."""
    records = {}
    for name, more in (("one", []), ("two", TWO)):
        test = [sys.executable, "-P", "-m", "lightning_app", "test", "--run", str(folder), *options]
        run([*test, "--trainer.enable_progress_bar", "false", "--media", "null", *more])
        records[name] = json.loads((folder / "evaluation.json").read_text())
    for kind in ("scores", "intervals"):
        first, second = (records[name].pop(kind) for name in ("one", "two"))
        assert set(first) == set(second)
        for key, value in first.items():
            assert second[key] == pytest.approx(value, rel=1e-5, abs=1e-6), key
    assert records["two"] == records["one"]


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_is_killed_ends_the_other_with_a_message(training, tmp_path, lost):
    _, command = training("ts_dsae", "run", *SHARED["dsae"], *TWO, "--trainer.max_epochs", "1000")
    callbacks = [f"{RECORD}.RankRecord", "--trainer.callbacks.folder", str(tmp_path), f"{RECORD}.Unhurried"]
    with subprocess.Popen([*command, *callbacks], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as first:
        files = [tmp_path / f"rank{rank}.pid" for rank in range(2)]
        wait_until(lambda: all(file.exists() for file in files), "both processes train", 120)
        processes = [int(file.read_text()) for file in files]
        time.sleep(2)

        os.kill(processes[lost], signal.SIGKILL)
        wait_until(lambda: not any(map(lives, processes)), "both processes end", 60)
        _, said = first.communicate(timeout=20)

    assert first.returncode != 0
    assert "another process of this run has ended" in said
    assert "Traceback" not in said
