"""What the information metrics say of the same latents where two factors of the clips go together more or less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.correlation import Correlation
from lightning_app.errors import RunError
from metrics import LatentInformation
from metrics.functional import conditional_entropy, entropy
from metrics.functional import inputs as metric_inputs

SCORES = ("mig", "dmig", "xmig", "scc")
CEILING = "mig_ceiling"
_FEW = 10  # samples of a value, at the mean, from which on an attribute is one of classes
_LEAST = 50


@dataclass(frozen=True)
class EncodedClips:
    """Clips whose factors are independent, and what a model makes of them.

    Attributes:
        latents: Shape (n, D).
        attributes: Shape (n, M).
        dims: The dimension that each attribute regularises, M.
        values: Values of each factor.
        labels: Position of each clip's value there, shape (n,) for each factor.
    """

    latents: NDArray[np.floating]
    attributes: NDArray[np.floating]
    dims: Sequence[int]
    values: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, NDArray[np.integer]]


def scores_under_correlation(
    clips: EncodedClips, factors: tuple[str, str], strengths: Sequence[float], n_draws: int
) -> tuple[dict[float, dict[str, NDArray[np.float64]]], int]:
    """Scores latents on clips that are drawn so that two factors are correlated.

    Every strength is measured on equally many clips, and several times: scores are means over the draws.

    Args:
        clips: The clips to draw from.
        factors: Names of the two factors.
        strengths: Strengths of the correlation.
        n_draws: Number of draws.

    Returns:
        For each strength the values of `SCORES`, shape (M,) each, and of `CEILING`, the least over the other attributes
        of H(a_i | a_j) / H(a_i), which MIG cannot exceed where their dimensions tell them; and the number of clips.

    Raises:
        RunError: Too few clips are left.
        DataError: A factor that there is not.
    """
    orders = [_orders(clips, factors, strengths, draw) for draw in range(n_draws)]
    n_clips = min(len(rows) for of_strength in orders for rows in of_strength)
    if n_clips < _LEAST:
        raise RunError(f"a strength of {max(strengths)} leaves {n_clips} validation clips, and {_LEAST} are needed.")
    scored = {
        strength: [_scores(clips, of_strength[position][:n_clips]) for of_strength in orders]
        for position, strength in enumerate(strengths)
    }
    means = {
        strength: {name: np.mean([one[name] for one in draws], axis=0) for name in draws[0]}
        for strength, draws in scored.items()
    }
    return means, n_clips


def _orders(
    clips: EncodedClips, factors: tuple[str, str], strengths: Sequence[float], draw: int
) -> list[NDArray[np.integer]]:
    """For each strength, the clips that suit, in a random order."""
    order = np.random.default_rng((draw, 1)).permutation(len(clips.latents))
    kept = [
        Correlation(factors, strength).kept(clips.values, clips.labels, np.random.default_rng(draw))
        for strength in strengths
    ]
    return [order[mask[order]] for mask in kept]


def _scores(clips: EncodedClips, rows: NDArray[np.integer]) -> dict[str, NDArray[np.float64]]:
    attributes, discrete = _with_classes(clips.attributes[rows])
    names = [str(number) for number in range(attributes.shape[1])]
    metric = LatentInformation(regularized_dims=clips.dims, discrete=discrete, metrics=SCORES, attribute_names=names)
    metric.update(*metric_inputs.samples(clips.latents[rows], attributes))
    values = metric.compute()
    scores = {score: np.array([float(values[f"{score}/{name}"]) for name in names]) for score in SCORES}
    known = np.asarray(conditional_entropy(attributes, discrete=discrete))
    np.fill_diagonal(known, np.inf)
    return scores | {CEILING: np.minimum(known.min(axis=1) / np.asarray(entropy(attributes, discrete=discrete)), 1.0)}


def _with_classes(attributes: NDArray[np.floating]) -> tuple[NDArray[np.float64], list[bool]]:
    """The attributes, those of few values as whole numbers in the same order, and which these are."""
    columns, discrete = [], []
    for column in attributes.T:
        there, positions = np.unique(column, return_inverse=True)
        is_few = len(there) * _FEW <= len(column)
        columns.append(positions if is_few else column)
        discrete.append(is_few)
    return np.stack(columns, axis=1).astype(np.float64), discrete
