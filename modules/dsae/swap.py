"""Pairing the sequences of a batch for the swap terms of Luo et al. (2022), eqs. (4) to (7)."""

import torch
from torch import Tensor


def random_partners(n_sequences: int, device: torch.device | None = None) -> Tensor:
    """Divides the sequences of a batch into random pairs; each sequence swaps with the other of its pair.

    What the decoder makes of ``(z_i, v_j)`` is then both the global swap of i and the local swap of j: one pass decodes
    all that eqs. (4) to (7) need, where independent pairings would take two. Every sequence is as likely to meet any
    other as in the paper's pairing, so the terms' expectations are the same.

    Args:
        n_sequences: Size of the batch. Where it is odd, the last sequence sits out; training batches are shuffled.
        device: Device of the result.

    Returns:
        The partner of each sequence, shape (n,) with n = n_sequences rounded down to even: a permutation that is its
        own inverse and leaves none in place.

    >>> partner = random_partners(5)
    >>> bool((partner[partner] == torch.arange(4)).all()), bool((partner == torch.arange(4)).any())
    (True, False)
    """
    one, other = torch.randperm(n_sequences - n_sequences % 2, device=device).chunk(2)
    partner = torch.empty(2 * len(one), dtype=torch.long, device=device)
    partner[one], partner[other] = other, one
    return partner
