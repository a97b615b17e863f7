"""Mutual information and entropies of latents and attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike
from torch import Tensor

from metrics.estimators import Estimator, estimator_named
from metrics.functional import inputs
from metrics.functional.estimate import Estimate


@dataclass(frozen=True)
class Information:
    """All that the information metrics are computed from.

    Attributes:
        of_latents: I(z_d; a_m) in nats, of shape (D, M), no more than H(a_m).
        of_attributes: I(a_j; a_i) in nats, of shape (M, M), estimated with a_j in the place of a latent; the diagonal
            is what the estimator gives for an attribute and itself, which stands for H(a_i).
        estimator: What estimated them.
        n_samples: N.
    """

    of_latents: Tensor
    of_attributes: Tensor
    estimator: Estimator
    n_samples: int

    @classmethod
    def estimated(
        cls, latents: Tensor, attributes: Tensor, discrete: bool | Sequence[bool], estimator: Estimator
    ) -> "Information":
        """Estimates it from latents (N, D) and attributes (N, M) that `metrics.functional.inputs.samples` gave.

        Raises:
            ValueError: See `metrics.functional.mutual_information`.
        """
        inputs.enough_samples("latents", latents, estimator)
        flags = inputs.discreteness(discrete, attributes)
        of_latents = estimator.information(latents, attributes, flags)
        of_attributes = estimator.information(attributes, attributes, flags)
        return cls(
            # Nothing tells more of an attribute than itself, but estimates may say so where its values tie.
            of_latents=of_latents.clamp(max=of_attributes.diagonal()),
            of_attributes=of_attributes,
            estimator=estimator,
            n_samples=len(latents),
        )

    @property
    def entropy(self) -> Tensor:
        """H(a_i) in nats, of shape (M,)."""
        return self.of_attributes.diagonal()

    @property
    def conditional_entropy(self) -> Tensor:
        """H(a_i | a_j) = H(a_i) - I(a_i; a_j) in nats, of shape (M, M): row i, column j. Never negative."""
        return (self.entropy[:, None] - self.of_attributes.T).clamp(min=0.0)

    def estimate(self, values: Tensor) -> Estimate:
        """Marks values that were computed from this with the estimator and the number of samples."""
        return Estimate.of(values, estimator=self.estimator, n_samples=self.n_samples)


def mutual_information(
    latents: ArrayLike | Tensor,
    attributes: ArrayLike | Tensor,
    *,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""Mutual information between each latent dimension and each attribute.

    .. math:: I(z; a) = \int\!\!\int p(z, a) \log \frac{p(z, a)}{p(z)\,p(a)} \,dz\,da

    Args:
        latents: Latent vectors, of shape (N, D). A constant dimension has no information.
        attributes: Their attributes, of shape (N, M).
        discrete: Whether the attributes are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg`` (`metrics.estimators.KSG`), ``binned`` (`metrics.estimators.Binned`), or an object of these.
        n_neighbors: k of ``ksg``.

    Returns:
        Nats, float64 of shape (D, M), from 0 to the attribute's `entropy`.

    Raises:
        ValueError: Shapes that do not match, too few samples, NaN or infinity, an attribute that is constant, or one
            declared discrete whose values are not whole.

    Example:
        >>> import torch
        >>> z = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
        >>> mutual_information(z, z[:, :1] + z[:, 1:]).round(decimals=3)
        tensor([[0.3470],
                [0.4210]], dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=1000)
    """
    z, a = inputs.samples(latents, attributes)
    information = Information.estimated(z, a, discrete, estimator_named(estimator, n_neighbors))
    return information.estimate(information.of_latents)


def entropy(
    attributes: ArrayLike | Tensor,
    *,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""Entropy of each attribute, as the estimator's information between the attribute and itself.

    .. math:: H(a) = I(a; a)

    For a discrete attribute this is Shannon's entropy (``ksg`` estimates it by ψ(N) - ⟨ψ(N_a)⟩ from the sizes N_a of
    the classes). The information of a continuous variable with itself is infinite; from N samples ``ksg`` gives
    ψ(N) - ψ(k + 1), which grows with log N, and ``binned`` the logarithm of the number of bins. It is the largest value
    that the estimator could have given for any latent, and what the gaps are divided by. Differential entropy is not:
    it depends on the attribute's unit and may be negative.

    An attribute of few values is better declared discrete: as a continuous one its entropy is Shannon's up to the noise
    of the estimate only.

    Args:
        attributes: Attributes, of shape (N, M).
        discrete: Whether they are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        Nats, float64 of shape (M,), 0 or more.

    Raises:
        ValueError: See `mutual_information`.

    Example:
        >>> from metrics import Binned
        >>> entropy([[0], [0], [1], [1]], discrete=True, estimator=Binned(n_bins=2)).exp()
        tensor([2.], dtype=torch.float64, estimator=Binned(n_bins=2), n_samples=4)
    """
    information = _of_attributes(attributes, discrete, estimator, n_neighbors)
    return information.estimate(information.entropy)


def conditional_entropy(
    attributes: ArrayLike | Tensor,
    *,
    discrete: bool | Sequence[bool] = False,
    estimator: Estimator | str = "ksg",
    n_neighbors: int = 3,
) -> Estimate:
    r"""Entropy of each attribute when another is known (Watcharasupat & Lerch 2021, section 2).

    .. math:: H(a_i \mid a_j) = H(a_i) - I(a_i; a_j)

    Args:
        attributes: Attributes, of shape (N, M).
        discrete: Whether they are classes (whole numbers); one bool, or one for each.
        estimator: ``ksg``, ``binned``, or an object of `metrics.estimators`.
        n_neighbors: k of ``ksg``.

    Returns:
        Nats, float64 of shape (M, M), row i and column j as above, 0 or more.

    Raises:
        ValueError: See `mutual_information`.

    Example:
        >>> from metrics import Binned
        >>> copies = [[0, 0], [0, 0], [1, 1], [1, 1]]
        >>> conditional_entropy(copies, discrete=True, estimator=Binned(n_bins=2)).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    information = _of_attributes(attributes, discrete, estimator, n_neighbors)
    return information.estimate(information.conditional_entropy)


def _of_attributes(
    attributes: ArrayLike | Tensor, discrete: bool | Sequence[bool], estimator: Estimator | str, n_neighbors: int
) -> Information:
    a = inputs.varying(attributes)
    chosen = estimator_named(estimator, n_neighbors)
    inputs.enough_samples("attributes", a, chosen)
    of_attributes = chosen.information(a, a, inputs.discreteness(discrete, a))
    return Information(of_attributes, of_attributes, chosen, len(a))
