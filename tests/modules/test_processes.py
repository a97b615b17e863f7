"""Rows, sums and normalisation over two gloo processes are those of one process with all clips."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from modules.processes import gathered, n_processes, summed, weighted_by_share

SCRIPT = Path(__file__).with_name("two_processes.py")
_spec = importlib.util.spec_from_file_location("modules_two_processes", SCRIPT)
two_processes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_processes)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each process found."""
    folder = tmp_path_factory.mktemp("ranks")
    files = [folder / f"rank{rank}.pt" for rank in range(2)]
    processes = [
        subprocess.Popen([sys.executable, SCRIPT, str(rank), f"file://{folder}/rendezvous", files[rank]])
        for rank in range(2)
    ]
    assert [process.wait(timeout=180) for process in processes] == [0, 0]
    return [torch.load(file, weights_only=True) for file in files]


def test_one_process_has_everything_already():
    rows = torch.arange(6.0).reshape(3, 2)

    assert n_processes() == 1
    assert gathered(rows) is rows
    assert summed(rows) is rows
    assert weighted_by_share(rows, 3) is rows


def test_rows_of_unequal_numbers_come_together_in_order(ranks):
    for rank in ranks:
        assert torch.equal(rank["gathered"], torch.arange(20.0).reshape(10, 2))
        assert torch.equal(rank["only_first"], torch.arange(3.0))
        assert rank["summed"].tolist() == [3.0, 30.0]


def test_gradients_of_gathered_rows_are_summed_over_processes(ranks):
    # Each of the two losses weighs a row by its own values.
    expected = 2.0 * torch.arange(20.0).reshape(10, 2)

    assert torch.equal(torch.cat([rank["gradient"] for rank in ranks]), expected)


def test_weights_make_an_average_over_processes_one_over_clips(ranks):
    average = sum(rank["weighted"].item() for rank in ranks) / 2

    assert average == pytest.approx((4 * 3.0 + 6 * 8.0) / 10)  # of means over 4 and over 6 clips


def test_batch_normalisation_is_that_of_the_whole_batch(ranks):
    x, loss_weights = two_processes.inputs()
    x.requires_grad_()
    layer = nn.BatchNorm2d(two_processes.N_CHANNELS).double()
    output = layer(x)
    (output * loss_weights).sum(dim=(1, 2, 3)).mean().backward()

    close = {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(torch.cat([rank["output"] for rank in ranks]), output.detach(), **close)
    # Before DDP's average, the gradient of an input is of the sum of the losses of two processes.
    torch.testing.assert_close(torch.cat([rank["x_gradient"] for rank in ranks]) / 2, x.grad, **close)
    for rank in ranks:
        torch.testing.assert_close(rank["running_mean"], layer.running_mean, **close)
        torch.testing.assert_close(rank["running_var"], layer.running_var, **close)
        assert rank["tracked"] == 1
        for name, parameter in layer.named_parameters():
            torch.testing.assert_close(rank[f"{name}_gradient"], parameter.grad, **close)
