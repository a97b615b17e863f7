"""Swap classification as a torchmetric."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from metrics.functional.swap_classification import swap_classification


class SwapClassification(Metric):
    r"""Macro F1 of the instrument read from v: before the swap, after the global swap, and after the local swap.

    A linear discriminant analysis is fitted on the posterior means of v of the training set and classifies those of
    each of `STEPS` (Luo et al. 2022, section 6.1). A model whose v is used and whose z does not carry the instrument
    scores 1 in all three; where the decoder ignores v, the scores after the swaps fall towards 0.

    As input to ``update`` the metric takes:

    - ``latents`` (:class:`~torch.Tensor`): posterior means of v, float of shape ``(n, D)``
    - ``labels`` (:class:`~torch.Tensor`): the class each should show, integer of shape ``(n,)``
    - ``clips`` (:class:`~torch.Tensor`): the number of each clip, integer of shape ``(n,)``; a clip seen twice, as a
      distributed sampler pads its last batch, counts once
    - ``step``: ``train`` for what the classifier is fitted on, or one of `STEPS`

    As output of ``compute`` it gives a dict of scalars in [0, 1], keyed by `STEPS`.

    One batch has no value of its own, so use ``update`` and ``compute``, not ``forward``. The states are one row of D
    floats a clip: bounded by the data set, not by the length of the run.

    Example:
        >>> import torch
        >>> metric = SwapClassification()
        >>> v, clips = torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.arange(4)
        >>> instrument = torch.tensor([0, 0, 1, 1])
        >>> for step in ("train", *metric.STEPS):
        ...     metric.update(v, instrument, clips, step)
        >>> metric.compute()["global_swap"]
        tensor(1.)
    """

    STEPS: ClassVar[tuple[str, ...]] = ("pre_swap", "global_swap", "local_swap")
    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for step in ("train", *self.STEPS):
            for state in ("latents", "labels", "clips"):
                self.add_state(f"{step}_{state}", default=[], dist_reduce_fx="cat")

    def update(self, latents: Tensor, labels: Tensor, clips: Tensor, step: str) -> None:
        """Adds the clips of a batch to one of the sets."""
        if step not in ("train", *self.STEPS):
            raise ValueError(f"step is {step!r}; expected train, {', '.join(self.STEPS)}.")
        for state, value in (("latents", latents), ("labels", labels), ("clips", clips)):
            getattr(self, f"{step}_{state}").append(value.detach())

    def compute(self) -> dict[str, Tensor]:
        """Fits the classifier and scores each step.

        Raises:
            ValueError: A set is empty, or see `metrics.functional.swap_classification`.
        """
        train_latents, train_labels = self._clips_once("train")
        return {
            step: swap_classification(train_latents, train_labels, *self._clips_once(step)).to(self.device)
            for step in self.STEPS
        }

    def plot(self, val: Tensor | Sequence[Tensor] | None = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plots the three scores; see :meth:`torchmetrics.Metric.plot`."""
        return self._plot(val, ax)

    def _clips_once(self, step: str) -> tuple[Tensor, Tensor]:
        if not len(getattr(self, f"{step}_clips")):  # a list, or after synchronisation a tensor
            raise ValueError(f"no clips were given for the step {step}; update the metric with them before compute.")
        latents, labels, clips = (dim_zero_cat(getattr(self, f"{step}_{s}")) for s in ("latents", "labels", "clips"))
        order = clips.argsort(stable=True)
        first = clips[order].diff(prepend=clips[order][:1] - 1) != 0
        return latents[order][first], labels[order][first]
