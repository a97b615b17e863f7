"""Mutual information from distances to nearest neighbours."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import digamma
from torch import Tensor

from metrics.estimators.neighbours import Axis, Floats, Integers, axis, digamma_of_classes, digamma_of_counts

# A latent may have one value for so many samples that comes only once, and still be one of classes.
_ONE_IN = 100


@dataclass(frozen=True)
class KSG:
    r"""The k-nearest-neighbour estimates of Kraskov, Stögbauer & Grassberger (2004) and Ross (2014).

    For a continuous attribute the first estimator of Kraskov et al. (eq. 8), for a discrete one that of Ross (eq. 2):

    .. math::
        I(z; a) &= \psi(N) + \psi(k) - \langle \psi(n_z + 1) + \psi(n_a + 1) \rangle \\
        I(z; a) &= \psi(N) - \langle \psi(N_a) \rangle + \langle \psi(k) \rangle - \langle \psi(m) \rangle

    ψ is the digamma function, n_z and n_a count the samples that are nearer in one variable than the k-th nearest
    neighbour is in both (maximum norm), N_a is the size of a sample's class, and m counts the samples of all classes
    that are nearer than the k-th nearest of its own. Negative estimates become 0.

    The values are those of scikit-learn's ``mutual_info_regression`` and ``mutual_info_classif`` for one latent at a
    time and ``random_state=seed``, but for classes of up to 2k + 1 samples, whose distances scikit-learn rounds.
    Columns are divided by their standard deviation, and ties are broken by noise of 1e-10, the same for every column.
    A latent that takes few values, so that its nearest neighbours tie, is one of classes itself where the attribute is
    discrete: then the attribute's values are searched and the latent gives the classes. This way an attribute and its
    multiple give the same estimate. A constant latent has no information.

    Tensors on an accelerator are brought to the CPU: a search is branches and few operations, cheaper there (a third
    of a microsecond for each sample, latent and attribute) than all N² distances are on a GPU. Latents are shared
    among as many threads as torch uses (``torch.set_num_threads``).

    Args:
        n_neighbors: k, 1 or more. The bias falls and the variance grows as it gets smaller.
        seed: Seed of the noise that breaks ties.

    Raises:
        ValueError: A number of neighbours below 1.
    """

    n_neighbors: int = 3
    seed: int = 42

    def __post_init__(self) -> None:
        if not isinstance(self.n_neighbors, int) or self.n_neighbors < 1:
            raise ValueError(f"n_neighbors is {self.n_neighbors}; expected a whole number of 1 or more.")

    @property
    def label(self) -> str:
        """Name and number of neighbours."""
        return f"ksg-k{self.n_neighbors}"

    @property
    def min_samples(self) -> int:
        """Each sample needs k others."""
        return self.n_neighbors + 1

    def information(self, latents: Tensor, attributes: Tensor, discrete: Sequence[bool]) -> Tensor:
        """Estimates all pairs; see `metrics.estimators.Estimator`."""
        n = len(latents)
        noise = np.random.RandomState(self.seed).standard_normal((2, n))
        search = _Search(self.n_neighbors, np.concatenate([[0.0], digamma(np.arange(1, n + 1))]))
        targets: list[_Attribute] = [
            _Discrete(column, noise[0], search) if is_discrete else _Continuous(column, noise[1], search)
            for column, is_discrete in zip(attributes.cpu().numpy().T, discrete, strict=True)
        ]

        def with_all_attributes(column: Floats) -> list[float]:
            if column.min() == column.max():
                return [0.0] * len(targets)
            latent = _Latent(column, noise[0], self.n_neighbors)
            return [max(0.0, target.information(latent)) for target in targets]

        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            rows = list(threads.map(with_all_attributes, latents.cpu().numpy().T))
        return torch.tensor(rows, dtype=torch.float64, device=latents.device)


class _Search(NamedTuple):
    n_neighbors: int
    digamma: Floats  # ψ(0 ... N); ψ(0) is not used


def _untied(column: Floats, noise: Floats) -> Floats:
    """The column at unit standard deviation with its ties broken, as scikit-learn does it."""
    # By a power of two, which rounds nothing, near 1 first: the squares of very large or small values are no floats.
    column = np.ldexp(column, -np.frexp(np.abs(column).max())[1])
    scaled = column / column.std()
    return scaled + 1e-10 * max(1.0, np.abs(scaled).mean()) * noise


class _Latent:
    """A latent dimension, made ready as far as the attributes ask for it."""

    def __init__(self, column: Floats, noise: Floats, n_neighbors: int) -> None:
        self.column = column
        self._noise = noise
        self._n_neighbors = n_neighbors

    @cached_property
    def untied(self) -> Floats:
        return _untied(self.column, self._noise)

    @cached_property
    def axis(self) -> Axis:
        return axis(self.untied)

    @cached_property
    def labels(self) -> Integers | None:
        """The number of each sample's value among the values, if these are few and hardly any comes once."""
        _, labels, counts = np.unique(self.column, return_inverse=True, return_counts=True)
        few = len(counts) * (self._n_neighbors + 1) <= len(labels)
        return labels if few and (counts == 1).sum() * _ONE_IN <= len(labels) else None


class _Attribute(Protocol):
    def information(self, latent: _Latent) -> float: ...


class _Continuous:
    def __init__(self, column: Floats, noise: Floats, search: _Search) -> None:
        self._axis = axis(_untied(column, noise))
        self._search = search

    def information(self, latent: _Latent) -> float:
        k, psi = self._search
        return psi[-1] + psi[k] - digamma_of_counts(latent.axis, self._axis, k, psi)


class _Discrete:
    def __init__(self, column: Floats, noise: Floats, search: _Search) -> None:
        self._untied = _untied(column, noise)
        self._labels = np.unique(column, return_inverse=True)[1]
        self._in_a_class = _with_class_mates(self._labels)
        self._search = search

    def information(self, latent: _Latent) -> float:
        if latent.labels is not None:
            return self._ross(self._untied, latent.labels, _with_class_mates(latent.labels))
        if self._in_a_class.all():
            return self._ross_of(latent.axis, self._labels)
        return self._ross(latent.untied, self._labels, self._in_a_class)

    def _ross(self, values: Floats, labels: Integers, keep: NDArray[np.bool_]) -> float:
        """Samples alone in their class have no neighbour in it; they are left out, as scikit-learn does."""
        return self._ross_of(axis(values[keep]), np.unique(labels[keep], return_inverse=True)[1])

    def _ross_of(self, values: Axis, labels: Integers) -> float:
        k, psi = self._search
        return psi[len(labels)] - digamma_of_classes(values, labels, labels.max() + 1, k, psi)


def _with_class_mates(labels: Integers) -> NDArray[np.bool_]:
    return np.bincount(labels)[labels] > 1
