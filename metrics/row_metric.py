"""What the metrics over all samples have in common: rows that are kept over batches and processes, each sample once."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat, rank_zero_warn
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

NO_INDEX = torch.iinfo(torch.int64).min
_OF_BATCHES = ("indices", "widths")


class RowMetric(Metric):
    """Keeps one row a sample, and of samples that come twice the first.

    The states are lists of flat tensors, so that a process without samples can take part in the synchronisation
    although it cannot know how long a row is. They are bounded by the data set, not by the length of the run.

    Args:
        kwargs: See :class:`torchmetrics.Metric`; ``compute_on_cpu=True`` keeps the rows in main memory.
    """

    ROWS: ClassVar[tuple[str, ...]]
    # After synchronisation one tensor, as every state is.
    indices: list[Tensor]
    widths: list[Tensor]
    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for state in (*self.ROWS, *_OF_BATCHES):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """See :meth:`torchmetrics.Metric.sync`; a process that has no rows would not take part, and all would wait."""
        for state in (*self.ROWS, *_OF_BATCHES):
            batches: list[Tensor] | Tensor = getattr(self, state)
            if isinstance(batches, list) and not batches:
                dtype = torch.int64 if state in _OF_BATCHES else self._row_dtype
                batches.append(torch.empty(0, dtype=dtype, device=self.device))
        super().sync(*args, **kwargs)

    def plot(self, val: Any = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plots the values; see :meth:`torchmetrics.Metric.plot`."""
        return self._plot(val, ax)

    def _add_rows(self, indices: Tensor | None, *rows: Tensor) -> None:
        """Adds a batch of rows, a tensor for each of `ROWS`, all of shape (n, ...)."""
        n = len(rows[0])
        if indices is None:
            indices = torch.full((n,), NO_INDEX)
        if indices.shape != (n,) or indices.is_floating_point() or indices.dtype == torch.bool:
            raise ValueError(
                f"indices is {indices.dtype} of shape {tuple(indices.shape)}; expected integers of shape ({n},), the "
                "number of each sample in its data set."
            )
        widths = torch.tensor([values[0].numel() for values in rows], device=self.device)
        self._require_equal_widths(torch.stack([*(before for before in self.widths[:1] if len(before)), widths]))
        for state, values in zip(self.ROWS, rows, strict=True):
            # To one device, so that batches from several, like those of a loader and of a model, make one state.
            getattr(self, state).append(values.detach().to(self.device, self._row_dtype, copy=True).flatten())
        self.indices.append(indices.detach().to(self.device, torch.int64, copy=True))
        self.widths.append(widths)

    def _rows(self) -> tuple[Tensor, ...]:
        """All rows, a tensor of shape (N, columns) for each of `ROWS`.

        Raises:
            ValueError: There are none, only some have an index, or batches had rows of several lengths.
        """
        indices = dim_zero_cat(self.indices) if len(self.indices) else torch.empty(0)
        if not len(indices):
            raise ValueError(f"{type(self).__name__} was given no samples; update it before compute.")
        self._require_equal_widths(dim_zero_cat(self.widths).view(-1, len(self.ROWS)))
        rows = tuple(dim_zero_cat(getattr(self, state)).view(len(indices), -1) for state in self.ROWS)
        without = indices == NO_INDEX
        if without.all():
            if self._is_synced:
                rank_zero_warn(
                    f"{type(self).__name__} was updated without indices: samples that a distributed sampler repeats "
                    "to fill its last batch count twice."
                )
            return rows
        if without.any():
            raise ValueError(
                f"{type(self).__name__} was updated with indices for some samples but not for {int(without.sum())} "
                "others; give them always or never."
            )
        order = indices.argsort(stable=True)
        first = order[indices[order].diff(prepend=indices[order][:1] - 1) != 0]
        return tuple(values[first] for values in rows)

    @property
    def _row_dtype(self) -> torch.dtype:
        return torch.float32 if self.device.type == "mps" else torch.float64  # Apple's GPUs have no float64

    def _require_equal_widths(self, widths: Tensor) -> None:
        """Checks the lengths of rows of several batches, of shape (batches, len(ROWS))."""
        for state, of_state in zip(self.ROWS, widths.T, strict=True):
            others = of_state[of_state != of_state[0]]
            if len(others):
                raise ValueError(f"{state} has rows of {others[0]} values; expected {of_state[0]}, as before.")
