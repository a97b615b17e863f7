"""Swap classification as a torchmetric."""

from typing import ClassVar

import torch
from torch import Tensor

from metrics.functional.swap_classification import swap_classification
from metrics.row_metric import RowMetric


class SwapClassification(RowMetric):
    r"""Macro F1 of a class, such as the instrument, read from v: before the swap, after the global and the local swap.

    A linear discriminant analysis is fitted on the posterior means of v of the training set and classifies those of
    each of `STEPS` (Luo et al. 2022, section 6.1). A model whose v is used and whose z does not carry the class
    scores 1 in all three; where the decoder ignores v, the scores after the swaps fall towards 0.

    As input to ``update`` the metric takes:

    - ``latents`` (:class:`~torch.Tensor`): posterior means of v, float of shape ``(n, D)``
    - ``labels`` (:class:`~torch.Tensor`): the class each should show, integer of shape ``(n,)``
    - ``clips`` (:class:`~torch.Tensor`): the number of each clip, integer of shape ``(n,)``; a clip seen twice, as a
      distributed sampler pads its last batch, counts once
    - ``step``: ``train`` for what the classifier is fitted on, or one of `STEPS`

    ``compute`` returns a dict of scalars in [0, 1], keyed by `STEPS`.

    One batch has no value of its own, so use ``update`` and ``compute``, not ``forward``. The states are one row of D
    floats a clip: bounded by the data set, not by the length of the run.

    Example:
        >>> import torch
        >>> metric = SwapClassification()
        >>> v, clips = torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.arange(4)
        >>> labels = torch.tensor([0, 0, 1, 1])
        >>> for step in ("train", *metric.STEPS):
        ...     metric.update(v, labels, clips, step)
        >>> metric.compute()["global_swap"]
        tensor(1., dtype=torch.float64)
    """

    STEPS: ClassVar[tuple[str, ...]] = ("pre_swap", "global_swap", "local_swap")
    ROWS = ("latents", "labels", "steps")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    def update(self, latents: Tensor, labels: Tensor, clips: Tensor, step: str) -> None:
        """Adds the clips of a batch to one of the sets."""
        sets = ("train", *self.STEPS)
        if step not in sets:
            raise ValueError(f"step is {step!r}; expected train, {', '.join(self.STEPS)}.")
        if len(clips):
            steps = torch.full_like(clips, sets.index(step))
            # A clip is one sample in each set.
            self._add_rows(clips * len(sets) + steps, latents, labels, steps)

    def compute(self) -> dict[str, Tensor]:
        """Fits the classifier and scores each step.

        Raises:
            ValueError: A set is empty, or see `metrics.functional.swap_classification`.
        """
        latents, labels, steps = self._rows()
        clips = {}
        for number, step in enumerate(("train", *self.STEPS)):
            own = steps[:, 0] == number
            if not own.any():
                raise ValueError(
                    f"no clips were given for the step {step}; update the metric with them before compute."
                )
            clips[step] = latents[own], labels[own, 0].long()
        train = clips.pop("train")
        return {step: swap_classification(*train, *of_step).to(self.device) for step, of_step in clips.items()}
