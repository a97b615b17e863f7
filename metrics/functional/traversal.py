"""Smoothness and monotonicity of an attribute while its latent dimension is traversed."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.estimate import Estimate

_ROUNDING = 1e-6


def smoothness(latents: ArrayLike | Tensor, attributes: ArrayLike | Tensor, *, resolution: float = 0.0) -> Estimate:
    r"""How evenly an attribute changes along a traversal (Watcharasupat 2021, latte-metrics).

    .. math::
        \text{smoothness} = 1 - \frac{C_k\big[\,|D^{(2)}(z_k)|\,\big]}{\delta^{-1}\, R_k\big[D^{(1)}(z_k)\big]}, \quad
        D^{(n)}(z_k) = \frac{D^{(n-1)}(z_k + \delta) - D^{(n-1)}(z_k)}{\delta}, \quad D^{(0)} = a

    δ is the step of the traversal, C the contraharmonic mean :math:`\sum x^2 / \sum x`, and R the range. An attribute
    whose rate of change bends gradually scores near 1; one that jumps scores low.

    Args:
        latents: The positions of the regularised dimension, of shape (N, T) or for M attributes (N, M, T): N traversals
            of T positions each, evenly spaced, T of 3 or more.
        attributes: The attribute of what was decoded at each of them, of the same shape.
        resolution: The range, in units of the attribute, up to which an attribute counts as standing still. How evenly
            it changes is then rounding noise, and differs from one processor to the next.

    Returns:
        The mean over the traversals along which the attribute moves, a float64 of at most 1, of shape (M,) (for (N, T)
        of shape (1,)); NaN where it stands still along all of them. A traversal along which the attribute changes at a
        constant rate scores 1.

    Raises:
        ValueError: Shapes that do not match, fewer than three positions, steps that are not even, NaN or infinity, or a
            negative resolution.

    Example:
        >>> z = [[0.0, 1.0, 2.0, 3.0, 4.0]]
        >>> smoothness(z, [[0.0, 1.0, 2.0, 3.0, 4.0]]), smoothness(z, [[0.0, 0.0, 0.0, 4.0, 4.0]])
        (tensor([1.], dtype=torch.float64, resolution=0.0, n_samples=1),
         tensor([0.], dtype=torch.float64, resolution=0.0, n_samples=1))
    """
    scores = smoothness_of(*traversals(latents, attributes), resolution=resolution)
    return Estimate.of(scores.nanmean(dim=0), resolution=resolution, n_samples=len(scores))


def monotonicity(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    threshold: float = 1e-3,
    resolution: float = 0.0,
) -> Estimate:
    r"""Whether an attribute only rises, or only falls, along a traversal (Watcharasupat 2021, latte-metrics).

    .. math::
        \text{monotonicity} = \frac{\sum_k [\,|D(z_k)| > \epsilon\,]\, \text{sgn}\, D(z_k)}
            {\sum_k [\,|D(z_k)| > \epsilon\,]}, \quad D(z_k) = \frac{a(z_k + \delta) - a(z_k)}{\delta}

    Args:
        latents: The positions of the regularised dimension, of shape (N, T) or for M attributes (N, M, T): N traversals
            of T positions each, evenly spaced, T of 3 or more.
        attributes: The attribute of what was decoded at each of them, of the same shape.
        threshold: ε, the rate of change, in units of the attribute per unit of z, up to which it counts as none.
        resolution: The range, in units of the attribute, up to which an attribute counts as standing still.

    Returns:
        The mean over the traversals along which the attribute moves, a float64 in [-1, 1], of shape (M,) (for (N, T) of
        shape (1,)): 1 where the attribute rises at every step at which it changes, -1 where it falls, 0 where none of
        its steps is above the threshold. NaN where it stands still along all of them.

    Raises:
        ValueError: See `smoothness`; or a negative threshold.

    Example:
        >>> z = [[0.0, 1.0, 2.0, 3.0]]
        >>> monotonicity(z, [[0.0, 1.0, 1.0, 5.0]]).item(), monotonicity(z, [[0.0, 1.0, 0.0, 1.0]]).item()
        (1.0, 0.3333333333333333)
    """
    scores = monotonicity_of(*traversals(latents, attributes), threshold=threshold, resolution=resolution)
    return Estimate.of(scores.nanmean(dim=0), threshold=threshold, resolution=resolution, n_samples=len(scores))


def smoothness_of(latents: Tensor, attributes: Tensor, resolution: float) -> Tensor:
    """Scores of shape (N, M) of `traversals`; NaN where the attribute stands still."""
    moves = _moves(attributes, resolution)
    step = latents[..., 1:2] - latents[..., :1]
    first = attributes.diff(dim=-1) / step
    second = (first.diff(dim=-1) / step).abs()
    bend = (second**2).sum(dim=-1) / second.sum(dim=-1)
    spread = (first.amax(dim=-1) - first.amin(dim=-1)) / step[..., 0].abs()
    # Rates that differ by no more than rounding are constant.
    varies = first.amax(dim=-1) - first.amin(dim=-1) > _ROUNDING * first.abs().amax(dim=-1)
    return torch.where(varies, 1.0 - bend / spread, 1.0).where(moves, torch.nan)


def monotonicity_of(latents: Tensor, attributes: Tensor, threshold: float, resolution: float) -> Tensor:
    """Scores of shape (N, M) of `traversals`; NaN where the attribute stands still."""
    moves = _moves(attributes, resolution)
    if threshold < 0:
        raise ValueError(f"threshold is {threshold}; expected 0 or more.")
    rate = attributes.diff(dim=-1) / latents.diff(dim=-1)
    changes = rate.abs() > threshold
    return ((rate.sign() * changes).sum(dim=-1) / changes.sum(dim=-1).clamp(min=1)).where(moves, torch.nan)


def _moves(attributes: Tensor, resolution: float) -> Tensor:
    """Whether an attribute covers more than its resolution, bool of shape (N, M)."""
    if not resolution >= 0:
        raise ValueError(f"resolution is {resolution}; expected 0 or more.")
    return attributes.amax(dim=-1) - attributes.amin(dim=-1) > resolution


def traversals(latents: ArrayLike | Tensor, attributes: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    """Returns both as float64 of shape (N, M, T).

    Raises:
        ValueError: See `smoothness`.
    """
    z = inputs.finite("latents", latents, "(N, T) or (N, M, T)", n_axes=(2, 3))
    a = inputs.finite("attributes", attributes, f"that of latents, {tuple(z.shape)}", n_axes=(z.ndim,)).to(z.device)
    if z.shape != a.shape or z.shape[-1] < 3:
        raise ValueError(
            f"latents has shape {tuple(z.shape)} and attributes {tuple(a.shape)}; expected the same shape, with three "
            "positions or more along the last axis."
        )
    steps = z.diff(dim=-1)
    if (steps[..., :1] == 0).any() or not torch.allclose(steps, steps[..., :1], rtol=1e-3, atol=0.0):
        raise ValueError("latents is not evenly spaced along its last axis; expected steps of one size, not 0.")
    return (z, a) if z.ndim == 3 else (z[:, None], a[:, None])
