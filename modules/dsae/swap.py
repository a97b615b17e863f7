"""Pairing the sequences of a batch for the swap terms of Luo et al. (2022), eqs. (4) to (7)."""

import torch
from torch import Tensor


def random_pairs(n_sequences: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Draws disjoint pairs of different sequences, uniformly.

    Each sequence swaps with its partner and the partner with it, so what the decoder makes of ``(z_i, v_j)`` is both
    the global swap of i and the local swap of j: one pass decodes all that eqs. (4) to (7) need, where independent
    pairings would take two. Every sequence is as likely to meet any other as in the paper's pairing, so the terms'
    expectations are the same. In an odd batch one sequence, drawn at random, sits out.

    Args:
        n_sequences: Size of the batch.
        device: Of the result.

    Returns:
        ``sequence`` and ``partner``, indices of shape (n,) with n = n_sequences rounded down to even; ``partner`` is a
        permutation of ``sequence`` that is its own inverse and leaves none in place.

    >>> sequence, partner = random_pairs(5)
    >>> len(sequence), bool((sequence != partner).all())
    (4, True)
    """
    shuffled = torch.randperm(n_sequences, device=device)[: n_sequences - n_sequences % 2]
    one, other = shuffled.chunk(2)
    return torch.cat([one, other]), torch.cat([other, one])
