"""Windows over a sound that overlap by half, and their results put together so that no joint is heard."""

import numpy as np
import torch
from torch import Tensor


def window_starts(n: int, length: int, *, multiple_of: int = 1) -> list[int]:
    """Returns where windows of a length begin which cover n values, each beginning halfway through the one before.

    The last one ends with the sound, so that it hears no silence that is not there.

    Args:
        n: Number of values; no fewer than a window has.
        length: Length of a window.
        multiple_of: Windows begin at multiples of this, as ``n - length`` does.

    >>> window_starts(10, 4), window_starts(9, 4), window_starts(4, 4)
    ([0, 2, 4, 6], [0, 2, 4, 5], [0])
    """
    step = max(multiple_of, length // 2 // multiple_of * multiple_of)
    return [*range(0, n - length, step), n - length]


class OverlapAdd:
    """Fades from each window's result into the next one's.

    The share of a window is a Hann window, divided by what all windows have there.

    Args:
        n: Number of values of the whole, along the first axis.

    >>> whole = OverlapAdd(6)
    >>> for start in window_starts(6, 4):
    ...     whole.add(start, torch.full((4,), 0.5))
    >>> whole.result()
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._sum: Tensor | None = None
        self._shares = torch.zeros(n)

    def add(self, start: int, values: Tensor) -> None:
        """Adds the result of a window, (length, ...), which begins at ``start``."""
        length = len(values)
        share = torch.from_numpy(np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2).float()
        if self._sum is None:
            self._sum = torch.zeros(self._n, *values.shape[1:])
        self._sum[start : start + length] += values * share.reshape(-1, *[1] * (values.ndim - 1))
        self._shares[start : start + length] += share

    def result(self) -> Tensor:
        """Returns the whole, (n, ...)."""
        assert self._sum is not None, "no window was added"
        return self._sum / self._shares.reshape(-1, *[1] * (self._sum.ndim - 1))
