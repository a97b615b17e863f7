"""Sums and rows over all processes of a training, through which gradients flow.

Each is the identity where there is one process. Else all processes must call it, as often as each other.
"""

import torch
from torch import Tensor, distributed
from torch.distributed.nn.functional import all_gather, all_reduce


def n_processes() -> int:
    """Returns how many processes train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def summed(values: Tensor) -> Tensor:
    """Adds up a tensor over all processes."""
    return all_reduce(values) if n_processes() > 1 else values


def weighted_by_share(loss: Tensor, n_clips: int) -> Tensor:
    """Weighs the loss of a process by the size of its share of a batch.

    DDP averages gradients over processes, whose shares may differ in size; with this weight the average is the gradient
    of the mean over all clips.

    Args:
        loss: A mean over the clips of this process's share, or a term that all processes have alike.
        n_clips: Clips of this process.
    """
    if n_processes() == 1:
        return loss
    own = torch.tensor(n_clips, dtype=torch.promote_types(loss.dtype, torch.float32), device=loss.device)
    with torch.no_grad():
        weight = n_processes() * own / summed(own.clone())
    return loss * weight


def gathered(rows: Tensor) -> Tensor:
    """Puts the rows of all processes together, in the order of their ranks.

    Args:
        rows: Shape (n, ...); n may differ between processes, and may be 0.

    Returns:
        Shape (N, ...), N being the sum of all n.
    """
    if n_processes() == 1:
        return rows
    own = torch.tensor(len(rows), device=rows.device)
    sizes = torch.stack(all_gather(own)).tolist()
    filled = torch.cat([rows, rows.new_zeros(max(sizes) - len(rows), *rows.shape[1:])])
    parts: tuple[Tensor, ...] = all_gather(filled)
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])
