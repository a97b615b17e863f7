"""What all tests share."""

import os

import pytest
import torch

os.environ.setdefault("WANDB_SILENT", "true")


@pytest.fixture(autouse=True)
def _threads():
    """As many as are asked for, or one: tests run in parallel processes, and more would only fight over the cores."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
