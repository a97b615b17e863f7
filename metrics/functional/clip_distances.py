"""How far single clips are from a set of others."""

import torch
from torch import Tensor

from metrics.functional.moments import mean_and_covariance


def clip_frechet_distances(real: Tensor, clips: Tensor) -> Tensor:
    r"""The Fréchet distance of each clip's frames from those of real audio, which names outliers (Gui et al. 2024).

    A clip's covariance has no more rank than it has frames, so the trace of the root is taken in as many dimensions:

    .. math::
        d_i^2 = \lVert \mu_i - \mu \rVert^2 + \text{tr}\,\Sigma_i + \text{tr}\,\Sigma
            - 2\,\text{tr}\big(X_i \Sigma X_i^T / (F - 1)\big)^{1/2}

    with the centred frames :math:`X_i`, (F, D). The value of one clip says little; compare those of clips that have as
    many frames.

    Args:
        real: Moments of the real frames (`metrics.functional.moments`), (D + 1, D + 1).
        clips: Frames of the clips, (N, F, D); with F = 1 a clip is a point.

    Returns:
        The distances, (N,), float64.

    Example:
        >>> from metrics.functional.moments import moments_of
        >>> real = moments_of(torch.tensor([[0.0], [2.0]]))
        >>> clip_frechet_distances(real, torch.tensor([[[0.0], [2.0]], [[3.0], [5.0]]]))
        tensor([0., 9.], dtype=torch.float64)
    """
    mean, covariance = mean_and_covariance(real)
    distances = []
    for clip in clips:
        frames = clip.to(mean)
        centred = (frames - frames.mean(dim=0)) / max(len(frames) - 1, 1) ** 0.5
        roots = torch.linalg.eigvalsh(centred @ covariance @ centred.T).clamp(min=0.0).sqrt()
        apart = (frames.mean(dim=0) - mean).square().sum()
        distances.append((apart + centred.square().sum() + covariance.trace() - 2.0 * roots.sum()).clamp(min=0.0))
    return torch.stack(distances)
