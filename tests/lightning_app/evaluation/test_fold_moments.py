"""Moments of folds, against those of all their vectors at once."""

import torch

from lightning_app.evaluation.fold_moments import N_FOLDS, FoldMoments
from metrics.functional.moments import moments_of


def test_moments_are_those_of_all_vectors_of_a_fold_whatever_the_batches():
    generator = torch.Generator().manual_seed(0)
    vectors, folds = 5.0 + torch.randn(12, 7, 3, generator=generator), torch.arange(12) % 5
    metric = FoldMoments(3)

    for first in range(0, 12, 4):
        metric.update(folds[first : first + 4], vectors[first : first + 4])
    found = metric.compute()

    assert found.shape == (N_FOLDS, 4, 4)
    for fold in range(5):
        torch.testing.assert_close(found[fold], moments_of(vectors[folds == fold].flatten(0, 1)))
    assert not found[5:].any()
    metric.reset()
    assert not metric.compute().any()
