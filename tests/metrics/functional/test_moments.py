"""Moments of vectors and their merge, against NumPy."""

import numpy as np
import pytest
import torch

from metrics.functional.moments import mean_and_covariance, merged_moments, moments_of, no_moments


@pytest.mark.parametrize("sizes", [[20], [1] * 20, [0, 7, 0, 13], [2, 18, 0]])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_merged_groups_have_the_moments_of_all(sizes, offset):
    vectors = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + offset

    moments = merged_moments(torch.stack([moments_of(group) for group in vectors.split(sizes)]))

    mean, covariance = mean_and_covariance(moments)
    assert moments[0, 0] == 20
    np.testing.assert_allclose(mean, vectors.mean(dim=0), rtol=1e-14)
    np.testing.assert_allclose(covariance, np.cov((vectors - offset).numpy(), rowvar=False), rtol=1e-8)


def test_nothing_merged_with_nothing_is_nothing():
    assert torch.equal(moments_of(torch.empty(0, 3)), no_moments(3))
    assert torch.equal(merged_moments(torch.stack([no_moments(3)] * 2)), no_moments(3))
