"""Traversals: one latent dimension moved through its range, and the attribute measured on what is decoded."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from datamodules import DataError
from datamodules.clips.attributes import TIMBRAL
from datamodules.protocols import ClipData
from lightning_app.evaluation.requirements import heard
from metrics.functional import monotonicity, smoothness
from modules.protocols import Regularised

# The range of a dimension is read off this many validation clips.
_N_CLIPS_OF_RANGE = 256
_LEAST_RANGE = 0.01


class Traversal(NamedTuple):
    """One attribute's dimension moved through its range, for n clips and P positions."""

    positions: Tensor
    """(P,), float64"""
    pictures: NDArray[np.float32]
    """(n, P, n_frames, n_bins)"""
    audio: NDArray[np.float32]
    """(n, P, n_samples)"""
    measured: NDArray[np.float64]
    """The attribute of the audio, (n, P); NaN where it has none, such as silence."""


def posterior_means(model: Regularised, data: ClipData) -> Tensor:
    """Returns the posterior means of some validation clips, (n, D), float32, on the CPU."""
    positions = np.arange(min(_N_CLIPS_OF_RANGE, len(data.validation_dataset)))
    batches = np.split(positions, range(data.batch_size, len(positions), data.batch_size))
    clips = (heard(model, data, data.validation_dataset, batch) for batch in batches)
    return torch.cat([model.latent(x).float().cpu() for x in clips])


def range_of(means: Tensor, n_positions: int) -> Tensor:
    """Returns positions from the 2nd to the 98th percentile of a dimension's posterior means (n,), float64."""
    low, high = torch.quantile(means, torch.tensor([0.02, 0.98])).tolist()
    if high - low < _LEAST_RANGE:  # collapsed, or hardly trained
        low, high = (low + high - _LEAST_RANGE) / 2, (low + high + _LEAST_RANGE) / 2
    return torch.linspace(low, high, n_positions, dtype=torch.float64)


def traverse(
    model: Regularised, data: ClipData, clips: NDArray[np.integer], dim: int, positions: Tensor, attribute: str
) -> Traversal:  # fmt: skip
    """Moves a dimension of some validation clips through positions.

    Args:
        model: A model with regularised dimensions.
        data: Data of the model, set up.
        clips: Positions of the clips in the validation set, shape (n,).
        dim: The dimension.
        positions: Values of that dimension, (P,).
        attribute: Name of the attribute to measure; others than brightness and depth are not of the audio.
    """
    representation, dataset = data.representation, data.validation_dataset
    x = heard(model, data, dataset, clips)
    audio = torch.from_numpy(np.stack([data.audio(int(dataset.indices[clip])) for clip in clips])).to(x.device)
    n_samples = audio.shape[1]
    decoded = model.traverse(x, dim, positions.to(x)).float()
    flat = decoded.flatten(0, 1)
    waves = representation.inverse(flat, n_samples, like=audio.repeat_interleave(len(positions), dim=0))
    sounds = waves.unflatten(0, decoded.shape[:2]).cpu().numpy()
    pictures = representation.picture(flat, n_samples).unflatten(0, decoded.shape[:2]).cpu().numpy()
    return Traversal(positions, pictures, sounds, _measured(sounds, attribute, representation.sample_rate))


def traversal_scores(traversal: Traversal, attribute: str) -> dict[str, float]:
    """Returns smoothness, monotonicity and range over the clips whose attribute could be measured at every position.

    Where the attribute of no clip moves beyond its resolution, both scores are NaN.
    """
    whole = np.isfinite(traversal.measured).all(axis=1)
    if not whole.any():
        return {}
    values = traversal.measured[whole]
    positions = traversal.positions.repeat(len(values), 1)
    ranges, resolution = np.ptp(values, axis=1), TIMBRAL.resolution
    return {
        f"smoothness/{attribute}": smoothness(positions, values, resolution=resolution).item(),
        f"monotonicity/{attribute}": monotonicity(positions, values, resolution=resolution).item(),
        f"range/{attribute}": float(ranges.mean()),
        f"n_traversals/{attribute}": float(len(values)),
        f"n_moving_traversals/{attribute}": float((ranges > resolution).sum()),
    }


def _measured(waves: NDArray[np.float32], attribute: str, sample_rate: int) -> NDArray[np.float64]:
    measured = np.full(waves.shape[:2], np.nan)
    if attribute in TIMBRAL.columns:
        for place in track(list(np.ndindex(*measured.shape)), f"Measuring {attribute} of traversals", transient=True):
            try:
                measured[place] = TIMBRAL.compute(waves[place], sample_rate)[attribute]
            except DataError:
                continue  # silence has no timbre; the picture shows it without a number
    return measured
