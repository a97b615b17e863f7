"""Moments of vectors by folds of clips, over all processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from metrics.functional.moments import merged_moments, moments_of, no_moments

N_FOLDS = 20
"""Folds that clips are dealt to: up to so many clips have one each, and more never need more memory."""


class FoldMoments(Metric):
    """Keeps the moments of the vectors of each fold, merged exactly over batches and processes.

    ``update`` takes the folds of n clips, (n,), and their vectors, (n, frames, D). ``compute`` returns the moments
    (`metrics.functional.moments`), (N_FOLDS, D + 1, D + 1), float64.

    Args:
        n_features: D.
        kwargs: See :class:`torchmetrics.Metric`.

    >>> moments = FoldMoments(1)
    >>> moments.update(torch.tensor([0, 1, 0]), torch.tensor([[[1.0]], [[5.0]], [[3.0]]]))
    >>> moments.compute()[:2, 0]
    tensor([[2., 2.],
            [1., 5.]], dtype=torch.float64)
    """

    full_state_update = False
    moments: Tensor

    def __init__(self, n_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        nothing = no_moments(n_features).repeat(N_FOLDS, 1, 1)
        self.add_state("moments", default=nothing, dist_reduce_fx=_merged)

    def update(self, folds: Tensor, vectors: Tensor) -> None:
        """Adds a batch of clips."""
        for fold, of_clip in zip(folds.tolist(), vectors, strict=True):
            added = moments_of(of_clip.to(self.device))
            self.moments[fold] = merged_moments(torch.stack([self.moments[fold], added]))

    def compute(self) -> Tensor:
        """Returns the moments of each fold."""
        return self.moments


def _merged(of_processes: Tensor) -> Tensor:
    """Merges (processes, N_FOLDS, D + 1, D + 1) fold by fold."""
    return torch.stack([merged_moments(of_fold) for of_fold in of_processes.unbind(1)])
