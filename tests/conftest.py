"""What all tests share."""

import os

import pytest
import torch

os.environ.setdefault("WANDB_SILENT", "true")


@pytest.fixture(autouse=True)
def _one_thread():
    """Tests run in parallel processes; more threads in each would only fight over the cores."""
    torch.set_num_threads(1)
