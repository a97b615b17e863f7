"""What the metrics over all samples have in common: rows that are kept over batches and processes, each sample once."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat, rank_zero_warn
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

NO_INDEX = -1


class RowMetric(Metric):
    """Keeps one row a sample, and of samples that come twice the first.

    The states are flat lists, so that a process without samples can take part in the synchronisation although it
    cannot know how long a row is. They hold one row a sample: bounded by the data set, not by the length of the run.

    Args:
        kwargs: See :class:`torchmetrics.Metric`; ``compute_on_cpu=True`` keeps the rows in main memory.
    """

    ROWS: ClassVar[tuple[str, ...]]
    indices: list[Tensor]  # after synchronisation one tensor, as every state is
    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for state in (*self.ROWS, "indices"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """See :meth:`torchmetrics.Metric.sync`; a process that has no rows would not take part, and all would wait."""
        for state in (*self.ROWS, "indices"):
            batches: list[Tensor] | Tensor = getattr(self, state)
            if isinstance(batches, list) and not batches:
                dtype = torch.int64 if state == "indices" else self._row_dtype
                batches.append(torch.empty(0, dtype=dtype, device=self.device))
        super().sync(*args, **kwargs)

    def plot(self, val: Any = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plots the values; see :meth:`torchmetrics.Metric.plot`."""
        return self._plot(val, ax)

    def _add_rows(self, indices: Tensor | None, *rows: Tensor) -> None:
        """Adds a batch of rows, a tensor for each of `ROWS`, all of shape (n, ...)."""
        n = len(rows[0])
        if indices is None:
            indices = torch.full((n,), NO_INDEX, device=rows[0].device)
        if indices.shape != (n,) or indices.is_floating_point():
            raise ValueError(
                f"indices is {indices.dtype} of shape {tuple(indices.shape)}; expected integers of shape ({n},), the "
                "number of each sample in its data set."
            )
        for state, values in zip(self.ROWS, rows, strict=True):
            self._check_width(state, values)
            getattr(self, state).append(values.detach().to(self._row_dtype).flatten())
        self.indices.append(indices.detach())

    def _rows(self) -> tuple[Tensor, ...]:
        """All rows, a tensor of shape (N, columns) for each of `ROWS`.

        Raises:
            ValueError: There are none, or only some have an index.
        """
        indices = dim_zero_cat(self.indices) if len(self.indices) else torch.empty(0)
        if not len(indices):
            raise ValueError(f"{type(self).__name__} was given no samples; update it before compute.")
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

    def _check_width(self, state: str, values: Tensor) -> None:
        kept: list[Tensor] = getattr(self, state)
        known: Sequence[int] = [len(flat) // len(of) for flat, of in zip(kept, self.indices, strict=False) if len(of)]
        if known and values[0].numel() != known[0]:
            raise ValueError(f"{state} has rows of {values[0].numel()} values; expected {known[0]}, as before.")
