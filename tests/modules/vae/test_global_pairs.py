"""On several devices the regularisation is that of one device with the whole batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """What each process saved, by the number of devices and by whether pairs were global."""
    records = {}
    for devices in (1, 2):
        folder = tmp_path_factory.mktemp(f"devices{devices}")
        command = [sys.executable, str(SCRIPT), str(devices), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        for step, global_pairs in enumerate((True, False)):
            files = [folder / f"rank{rank}_step{step}.pt" for rank in range(devices)]
            ranks = [torch.load(file, weights_only=True) for file in files]
            assert [rank["n_notes"] for rank in ranks] == [12 // devices] * devices
            records[devices, global_pairs] = ranks
    return records


def test_two_processes_regularise_as_one(steps):
    (one,) = steps[1, True]

    assert one["terms"].keys() == {"regularization/brightness", "regularization/depth"}
    for rank in steps[2, True]:
        torch.testing.assert_close(rank["terms"], one["terms"], rtol=1e-6, atol=1e-9)


def test_gradients_of_two_processes_are_those_of_one(steps):
    (one,) = steps[1, True]

    assert len(one["gradients"]) == 4
    for rank in steps[2, True]:
        torch.testing.assert_close(rank["gradients"], one["gradients"], rtol=1e-6, atol=1e-9)


def test_pairs_of_each_process_alone_are_others(steps):
    (one,) = steps[1, True]
    first, second = steps[2, False]

    for name, whole in one["terms"].items():
        assert abs(first["terms"][name] - second["terms"][name]) > 1e-3
        assert abs((first["terms"][name] + second["terms"][name]) / 2 - whole) > 1e-3
    # A shift of z moves no pair, and the decoder knows of none: only the encoder's weights are pulled otherwise.
    for name, whole in one["gradients"].items():
        same = torch.allclose(first["gradients"][name], whole, rtol=1e-6, atol=1e-9)
        assert same == (name != "encoder.mean.weight"), name


def test_one_process_has_all_pairs_anyway(steps):
    (with_all,), (alone,) = steps[1, True], steps[1, False]

    torch.testing.assert_close(alone["terms"], with_all["terms"], rtol=1e-12, atol=0.0)
    torch.testing.assert_close(alone["gradients"], with_all["gradients"], rtol=1e-12, atol=1e-15)
