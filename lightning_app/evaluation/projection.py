"""Latent vectors of clips in two dimensions."""

from importlib.util import find_spec
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from lightning_app.errors import RunError

Method = Literal["pca", "tsne", "umap"]


class Projection(NamedTuple):
    """Points of a plane."""

    points: NDArray[np.float64]
    """(n, 2)"""
    axes: tuple[str, str]
    """What the two coordinates are."""


def require_projection(method: Method) -> None:
    """Checks that a method is installed.

    Raises:
        RunError: It is not; names the package.
    """
    if method == "umap" and find_spec("umap") is None:
        raise RunError(
            "UMAP is not installed: pip install 'disentangle[umap]', or take --latent_map.projection pca or tsne."
        )


def project(latents: NDArray[np.floating], method: Method, seed: int = 0) -> Projection:
    """Brings latent vectors into the plane.

    Args:
        latents: One vector for each clip, (n, D), all finite.
        method: ``pca``, the directions of most variance, which keeps distances as far as a plane can; ``tsne`` or
            ``umap``, which keep neighbours together and say little of what lies further apart.
        seed: Seed of the last two.

    >>> project(np.array([[0.0, 0.0, 1.0], [3.0, 0.0, 1.0], [6.0, 0.0, 1.0]]), "pca").axes
    ('component 1 (100 % of the variance)', 'component 2 (0 % of the variance)')
    """
    latents = latents.astype(np.float64)
    pca = PCA(min(2, *latents.shape))
    components = pca.fit_transform(latents)
    points = np.zeros((len(latents), 2))  # one vector or one dimension has no second component
    points[:, : components.shape[1]] = components
    if method == "pca":
        shares = np.zeros(2)
        shares[: components.shape[1]] = np.nan_to_num(pca.explained_variance_ratio_)
        first, second = (f"component {n} ({share:.0%} of the variance)" for n, share in enumerate(shares, start=1))
        return Projection(points, (first.replace("%", " %"), second.replace("%", " %")))
    if method == "tsne":
        perplexity = min(30.0, max(1.0, (len(latents) - 1) / 3))
        points = TSNE(perplexity=perplexity, init=1e-4 * _scaled(points), random_state=seed).fit_transform(latents)
        return Projection(points.astype(np.float64), ("t-SNE 1", "t-SNE 2"))
    from umap import UMAP  # takes seconds

    neighbours = max(2, min(15, len(latents) - 1))
    points = UMAP(n_neighbors=neighbours, init=_scaled(points), random_state=seed, n_jobs=1).fit_transform(latents)
    return Projection(points.astype(np.float64), ("UMAP 1", "UMAP 2"))


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both methods start from the principal components, at a scale of their own."""
    return points / max(points[:, 0].std(), np.finfo(float).tiny)
