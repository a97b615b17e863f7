"""Draws the pictures of docs/metrics.md: python -m benchmarks.metric_pictures."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import differential_entropy, spearmanr

from metrics.functional import (
    dependency_aware_mutual_information_gap,
    mutual_information,
    mutual_information_gap,
    spearman_correlation,
)

IMAGES = Path(__file__).parents[1] / "docs" / "images"
N, DIMS = 4_000, 8
Floats = NDArray[np.float64]


def correlated_attributes(rho: float, generator: np.random.Generator) -> Floats:
    """Two standard normal attributes of correlation rho, of shape (N, 2)."""
    first, other = generator.standard_normal((2, N))
    return np.stack([first, rho * first + np.sqrt(1 - rho**2) * other], axis=1)


def encoded(attributes: Floats, noise: float, generator: np.random.Generator) -> Floats:
    """Latents whose first two dimensions are monotone functions of the attributes, blurred; the rest is noise."""
    latents = generator.standard_normal((N, DIMS))
    latents[:, :2] = np.tanh(0.5 * attributes) + noise * latents[:, :2]
    return latents


def related_attributes(axes: Axes) -> None:
    """The three metrics while the attributes get more alike and the latents stay as good."""
    rhos = np.concatenate([np.linspace(0, 0.9, 10), [0.95, 0.98, 0.99]])
    scores = []
    for rho in rhos:
        generator = np.random.default_rng(0)
        attributes = correlated_attributes(rho, generator)
        latents = encoded(attributes, 0.0, generator)
        scores.append([metric(latents, attributes).mean().item() for metric in METRICS.values()])
    _plot(axes, rhos, np.array(scores), "correlation of the two attributes")
    axes.set_title("Perfect latents, attributes ever more alike")


def better_latents(axes: Axes) -> None:
    """The three metrics while the latents get better and the attributes stay alike."""
    scores, quality = [], []
    for noise in np.geomspace(3.0, 0.001, 14):
        generator = np.random.default_rng(0)
        attributes = correlated_attributes(0.95, generator)
        latents = encoded(attributes, noise, generator)
        scores.append([metric(latents, attributes).mean().item() for metric in METRICS.values()])
        quality.append(spearmanr(latents[:, 0], attributes[:, 0]).statistic)
    _plot(axes, 1 - np.array(quality), np.array(scores), "1 - rank correlation of latent and attribute")
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.set_title("Attributes of correlation 0.95, latents ever better")


METRICS = {
    "SCC": spearman_correlation,
    "MIG": mutual_information_gap,
    "DMIG": dependency_aware_mutual_information_gap,
}


def _plot(axes: Axes, x: Floats, scores: Floats, label: str) -> None:
    for name, values, style in zip(METRICS, scores.T, ("-s", "-o", "-^"), strict=True):
        axes.plot(x, values, style, label=name, markersize=4)
    axes.axhline(1.0, color="grey", linestyle=":", linewidth=1)
    axes.set_xlabel(label)
    axes.set_ylim(-0.05, 1.1)
    axes.grid(alpha=0.3)


def differential_denominator(axes: Axes) -> None:
    """DMIG of one set of latents with differential entropy in the denominator, whose value depends on the unit."""
    generator = np.random.default_rng(0)
    attributes = correlated_attributes(0.95, generator)
    latents = encoded(attributes, 0.05, generator)
    of_latents = mutual_information(latents, attributes).numpy()
    shared = mutual_information(attributes[:, 1:], attributes[:, :1]).item()
    gap = of_latents[0, 0] - of_latents[1, 0]
    units = np.geomspace(0.05, 20, 400)
    conditional = differential_entropy(attributes[:, 0]) + np.log(units) - shared
    differential = np.where(np.abs(conditional) > 0.02, gap / conditional, np.nan)
    default = dependency_aware_mutual_information_gap(latents, attributes)[0].item()
    axes.plot(units, differential, color="tab:red", label="with differential entropy")
    axes.axhline(default, color="tab:green", label="as it is here")
    axes.axhline(1.0, color="grey", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(-22, 22)
    axes.set_xlabel("standard deviation of the attribute, which is a matter of its unit")
    axes.set_ylabel("DMIG of the same latents")
    axes.grid(alpha=0.3)
    axes.legend()


def main() -> None:
    """Draws both pictures."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    related_attributes(left)
    better_latents(right)
    left.legend(loc="lower left")
    figure.savefig(IMAGES / "mig_dmig_scc.png", dpi=120)

    figure, axes = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    differential_denominator(axes)
    figure.savefig(IMAGES / "dmig_differential_entropy.png", dpi=120)


if __name__ == "__main__":
    main()
