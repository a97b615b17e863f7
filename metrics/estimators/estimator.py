"""What every estimator of mutual information does, and those that have a name."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from metrics.estimators.binned import Binned
from metrics.estimators.ksg import KSG


class Estimator(Protocol):
    """Estimates mutual information between each latent dimension and each attribute.

    Values of different estimators, of different settings of one, or of different numbers of samples must not be
    compared; therefore ``repr`` shows all settings, and ``label`` those that matter, short enough for a key of a log.
    """

    @property
    def label(self) -> str:
        """A short name, like ``ksg-k3``."""

    @property
    def min_samples(self) -> int:
        """The fewest samples that it works with."""

    def information(self, latents: Tensor, attributes: Tensor, discrete: Sequence[bool]) -> Tensor:
        """Estimates all pairs.

        Args:
            latents: Finite float64 of shape (N, D), each column from a continuous distribution or constant.
            attributes: Finite float64 of shape (N, M), no column constant.
            discrete: Whether an attribute's values are classes, for each attribute.

        Returns:
            Mutual information in nats, float64 of shape (D, M), on the device of ``latents``.
        """


def estimator_named(estimator: "Estimator | str", n_neighbors: int = 3) -> Estimator:
    """Returns the estimator of a name: ``ksg`` with ``n_neighbors``, or ``binned``; an estimator stays what it is.

    Raises:
        ValueError: Another name, or a number of neighbours below 1.
    """
    if estimator == "ksg":
        return KSG(n_neighbors)
    if estimator == "binned":
        return Binned()
    if isinstance(estimator, str) or not hasattr(estimator, "information"):
        raise ValueError(f"estimator is {estimator!r}; expected 'ksg', 'binned', or an object like Binned(n_bins=32).")
    return estimator
