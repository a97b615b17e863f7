"""Raw pitch accuracy over batches and processes."""

from typing import Any

import torch
from torch import Tensor

from metrics.functional import Estimate
from metrics.functional.raw_pitch_accuracy import accuracy_of, frame_counts, positive_threshold
from metrics.row_metric import RowMetric


class RawPitchAccuracy(RowMetric):
    """The share of voiced frames whose pitch is right; see `metrics.functional.raw_pitch_accuracy`.

    As input to ``update`` the metric takes:

    - ``estimated_hz`` (:class:`~torch.Tensor`): estimated pitches in Hz, of shape ``(n, T)``; 0 where there is none
    - ``reference_hz`` (:class:`~torch.Tensor`): true pitches in Hz, of the same shape; 0 where there is none
    - ``voiced`` (:class:`~torch.Tensor`, optional): in which frames the reference has a pitch, bool of the same shape
    - ``indices`` (:class:`~torch.Tensor`, optional): the number of each clip, integer of shape ``(n,)``; one that
      comes twice, as a distributed sampler pads its last batch, counts once

    ``compute`` returns a scalar in [0, 1]. The states are a few numbers a clip, so batches may have clips
    of any length, and neither their division nor that between processes matters.

    Args:
        threshold_cents: How far an estimate may be from the reference, in hundredths of a semitone.
        kwargs: See :class:`torchmetrics.Metric`.

    Raises:
        ValueError: A threshold that is not positive.

    Example:
        >>> import torch
        >>> metric = RawPitchAccuracy()
        >>> metric.update(torch.tensor([[445.0, 880.0]]), torch.tensor([[440.0, 440.0]]))
        >>> metric.update(torch.tensor([[220.0, 0.0, 221.0]]), torch.tensor([[220.0, 0.0, 220.0]]))
        >>> metric.compute()
        tensor(0.7500, dtype=torch.float64, threshold_cents=50.0, n_voiced=4)
    """

    # With the threshold, so that a collection never takes metrics of different thresholds for one.
    ROWS = ("frame_counts", "thresholds")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    def __init__(self, *, threshold_cents: float = 50.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive_threshold(threshold_cents)
        self.threshold_cents = threshold_cents

    def update(
        self,
        estimated_hz: Tensor,
        reference_hz: Tensor,
        voiced: Tensor | None = None,
        indices: Tensor | None = None,
    ) -> None:
        """Adds a batch of clips.

        Raises:
            ValueError: See `metrics.functional.raw_pitch_accuracy`; a batch without a voiced frame is accepted.
        """
        if len(estimated_hz):
            counts = frame_counts(estimated_hz, reference_hz, voiced, self.threshold_cents)
            self._add_rows(indices, counts, torch.full_like(counts[:, :1], self.threshold_cents))

    def compute(self) -> Estimate:
        """Returns the accuracy over all clips so far.

        Raises:
            ValueError: There are none, or none has a voiced frame.
        """
        counts, _ = self._rows()
        return accuracy_of(counts, self.threshold_cents)
