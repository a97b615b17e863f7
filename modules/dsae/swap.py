"""Pairing the sequences of a batch for the swap terms of Luo et al. (2022), eqs. (4) to (7)."""

import torch
from torch import Tensor

from modules.errors import ModelError


def neighbours(n_sequences: int, device: torch.device | None = None) -> Tensor:
    """Pairs the sequences of a batch with their neighbours: the first with the second, the third with the fourth.

    Batches come in random order, so the pairs are random: every sequence is as likely to meet any other as in the
    paper's pairing, and the terms' expectations are the same. And they are the same pairs on any number of processes,
    where each has whole pairs of the batch.

    What the decoder makes of ``(z_i, v_j)`` is then both the global swap of i and the local swap of j: one pass decodes
    all that eqs. (4) to (7) need, where independent pairings would take two.

    Args:
        n_sequences: Size of the batch, 2 or more. Where it is odd, the last one takes the one before it, which keeps
            its own neighbour.
        device: Device of the result.

    Returns:
        The partner of each sequence, shape (n_sequences,).

    Raises:
        ModelError: There is only one sequence.

    >>> neighbours(5).tolist()
    [1, 0, 3, 2, 3]
    """
    if n_sequences < 2:
        raise ModelError(f"a batch of {n_sequences} has no pairs to swap; take 2 or more.")
    partner = torch.arange(n_sequences, device=device) ^ 1
    if n_sequences % 2:
        partner[-1] = n_sequences - 2
    return partner
