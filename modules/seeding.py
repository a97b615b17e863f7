"""Draws that repeat and leave those of others alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seeds torch's global generators for a block, and puts them back where they were.

    Args:
        seed: The seed.
        device: Where there is something to draw, beside the CPU.

    >>> torch.manual_seed(0).initial_seed()
    0
    >>> with seeded(3):
    ...     first = torch.rand(1)
    >>> with seeded(3):
    ...     again = torch.rand(1)
    >>> bool(first == again), torch.initial_seed()
    (True, 0)
    """
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
