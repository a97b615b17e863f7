"""Fréchet audio distance over batches and processes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from metrics.functional import Estimate, frechet_distance
from metrics.functional.moments import mean_and_covariance, merged_moments, moments_of, no_moments


class FrechetAudioDistance(Metric):
    r"""FAD: how far the embeddings of generated audio are, as a whole, from those of real audio (Kilgour et al. 2019).

    .. math::
        \text{FAD} = \lVert \mu_r - \mu_g \rVert^2 + \text{tr}\big(\Sigma_r + \Sigma_g
            - 2\,(\Sigma_r^{1/2} \Sigma_g\, \Sigma_r^{1/2})^{1/2}\big)

    Gaussians with the means and covariances of both sides are compared; see `metrics.functional.frechet_distance`. It
    depends on the embedding, so name that, and it falls as samples become more, so compare values of equal numbers.

    As input to ``update`` the metric takes:

    - ``embeddings`` (:class:`~torch.Tensor`): of shape ``(n, D)``, or ``(n, frames, D)`` for n clips of several each
    - ``real`` (:class:`bool`): whether they are of real audio or of generated
    - ``keep`` (:class:`~torch.Tensor`, optional): bool of shape ``(n,)``, False for those to leave out. A distributed
      sampler repeats clips to fill its last batch; without ``keep`` they count twice.

    ``compute`` returns a scalar of 0 or more, which shows both numbers of embeddings; with an
    ``embedding_name`` a dict of it and the numbers: ``fad/vggish``, ``fad/vggish/n_real``,
    ``fad/vggish/n_generated``.

    The states are the number, mean and scatter of either side, in float64: of one size, however many samples there
    are, and merged exactly, so neither batches nor processes matter. One batch has no value of its own, so use
    ``update`` and ``compute``, not ``forward``. Apple's GPUs have no float64: leave the metric on the CPU there; it
    takes embeddings of any device.

    Args:
        n_features: D, the number of values of an embedding.
        name: First part of the keys.
        embedding_name: Second part of the keys, such as ``vggish``; with None the value comes without a key.
        allow_singular: Whether to compute from no more embeddings than they have values, when a covariance has no
            full rank and the value says more of their number than of the audio.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: Fewer than one feature.

    Example:
        >>> metric = FrechetAudioDistance(1, embedding_name="toy")
        >>> metric.update(torch.tensor([[0.0], [2.0]]), real=True)
        >>> metric.update(torch.tensor([[3.0], [5.0]]), real=False)
        >>> metric.compute()["fad/toy"]
        tensor(9., dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    plot_lower_bound = 0.0
    real: Tensor
    generated: Tensor

    def __init__(
        self,
        n_features: int,
        *,
        name: str = "fad",
        embedding_name: str | None = None,
        allow_singular: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if n_features < 1:
            raise ValueError(f"n_features is {n_features}; expected 1 or more.")
        self.n_features = n_features
        self.name = name
        self.embedding_name = embedding_name
        self.allow_singular = allow_singular
        for side in ("real", "generated"):
            self.add_state(side, default=no_moments(n_features), dist_reduce_fx=merged_moments)

    def update(self, embeddings: Tensor, real: bool, keep: Tensor | None = None) -> None:
        """Adds embeddings to one side.

        Raises:
            ValueError: Another shape, NaN or infinity, or a mask that is not one bool a row.
        """
        if embeddings.ndim not in (2, 3) or embeddings.shape[-1] != self.n_features:
            raise ValueError(
                f"embeddings has shape {tuple(embeddings.shape)}; expected (n, {self.n_features}) or "
                f"(n, frames, {self.n_features})."
            )
        if keep is not None:
            if keep.shape != embeddings.shape[:1] or keep.dtype != torch.bool:
                raise ValueError(
                    f"keep is {keep.dtype} of shape {tuple(keep.shape)}; expected bool of shape "
                    f"({len(embeddings)},), one for each row of embeddings."
                )
            embeddings = embeddings[keep.to(embeddings.device)]
        vectors = embeddings.detach().reshape(-1, self.n_features).to(self.device)
        if not vectors.isfinite().all():
            raise ValueError("embeddings has NaN or infinite values; expected finite values only.")
        side = "real" if real else "generated"
        setattr(self, side, merged_moments(torch.stack([getattr(self, side), moments_of(vectors)])))

    def compute(self) -> Estimate | dict[str, Tensor]:
        """Computes the distance of both sides as they are so far.

        Raises:
            ValueError: A side has fewer than two embeddings, or, unless ``allow_singular``, no more than D.
        """
        counts = {side: int(getattr(self, side)[0, 0]) for side in ("real", "generated")}
        needed = 2 if self.allow_singular else self.n_features + 1
        if min(counts.values()) < needed:
            raise ValueError(
                f"FrechetAudioDistance has {counts['real']} real and {counts['generated']} generated embeddings of "
                f"{self.n_features} values; expected {needed} or more of each, "
                + (
                    "since one has no covariance."
                    if self.allow_singular
                    else "since fewer have a covariance without full rank. Give it more audio, or allow_singular=True."
                )
            )
        value = frechet_distance(*mean_and_covariance(self.real), *mean_and_covariance(self.generated))
        numbers = {f"n_{side}": count for side, count in counts.items()}
        if self.embedding_name is None:
            return Estimate.of(value, **numbers)
        key = f"{self.name}/{self.embedding_name}"
        return {key: value} | {f"{key}/{name}": value.new_tensor(number) for name, number in numbers.items()}

    def plot(self, val: Any = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plots the value, without the numbers of embeddings; see :meth:`torchmetrics.Metric.plot`."""
        values = self.compute() if val is None else val
        return self._plot([*map(_distance, values)] if isinstance(values, list) else _distance(values), ax)


def _distance(values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if not key.rpartition("/")[2].startswith("n_")}
