"""What the Fréchet distance of two sets of vectors owes to groups of them, such as clips."""

import torch
from torch import Tensor

from metrics.functional.frechet_distance import covariance_and_root
from metrics.functional.moments import mean_and_covariance, merged_moments


def linearised_frechet_distance(real: Tensor, generated: Tensor) -> tuple[Tensor, Tensor]:
    r"""The Fréchet distance of two sets that are divided into groups alike, and what it would be of more like each.

    The second is the distance plus the influence function of the group (Hampel 1974): the first-order change where the
    group's share of the vectors grows. With :math:`T_a` and :math:`T_b` the optimal maps from one Gaussian to the other
    and back,

    .. math::
        \text{IF}_g = 2 (\mu_a - \mu_b)^T (\delta\mu_a - \delta\mu_b)
            + \text{tr}\,(I - T_a)\, \delta\Sigma_a + \text{tr}\,(I - T_b)\, \delta\Sigma_b

    where :math:`\delta` is what the group has instead of the whole, times its share of the vectors. So the mean over
    groups is the distance, and its bootstrap that of the distance to first order, at the price of one decomposition
    instead of one for each draw. Nor is it drawn upwards by groups that a draw repeats, as the distance itself is,
    which grows as different vectors become fewer.

    Args:
        real: Moments of the groups of real vectors (`metrics.functional.moments`), (G, D + 1, D + 1).
        generated: Those of the generated vectors, of the same groups.

    Returns:
        The distance, and the values of the groups, (G,), both float64.

    Raises:
        ValueError: NaN or infinity.

    Example:
        >>> from metrics.functional.moments import moments_of
        >>> of_clips = torch.tensor([[[0.0], [2.0]], [[0.0], [2.0]], [[3.0], [5.0]], [[4.0], [6.0]]])
        >>> real, generated = torch.stack([moments_of(clip) for clip in of_clips]).split(2)
        >>> distance, of_groups = linearised_frechet_distance(real, generated)
        >>> of_groups.mean().allclose(distance), bool(of_groups[0] < of_groups[1])
        (True, True)
    """
    whole = [merged_moments(side) for side in (real, generated)]
    (mean_a, of_a), (mean_b, of_b) = (mean_and_covariance(side) for side in whole)
    of_a, root_a = covariance_and_root("the covariance of real", of_a, mean_a)
    of_b, root_b = covariance_and_root("the covariance of generated", of_b, mean_b)
    u, shared, v = torch.linalg.svd(root_a @ root_b)
    apart = mean_a - mean_b
    distance = (apart.square().sum() + of_a.trace() + of_b.trace() - 2.0 * shared.sum()).clamp(min=0.0)
    kept = shared > shared[0] * len(shared) * torch.finfo(shared.dtype).eps
    inverse = torch.where(kept, 1.0 / shared.where(kept, torch.ones_like(shared)), 0.0)
    map_b, map_a = root_a @ u, root_b @ v.T  # times the inverse and transposed, they are the optimal maps
    slope_a, slope_b = ((map_ * inverse) @ map_.T for map_ in (map_a, map_b))
    influence = _change(real, whole[0], 2.0 * apart, -slope_a) + _change(generated, whole[1], -2.0 * apart, -slope_b)
    return distance, distance + influence


def _change(groups: Tensor, whole: Tensor, of_mean: Tensor, slope: Tensor) -> Tensor:
    """The change to first order by each group of one side, (G,); the identity is added to the slope."""
    mean, n = whole[0, 1:], whole[0, 0]
    changes = []
    for group in groups:
        moved = group[0, 1:] - mean
        second = group[1:, 1:] / group[0, 0].clamp(min=1.0) + torch.outer(moved, moved) - whole[1:, 1:] / n
        change = of_mean @ moved + second.trace() + (slope * second).sum()
        changes.append(change * group[0, 0] * len(groups) / n)
    return torch.stack(changes)
