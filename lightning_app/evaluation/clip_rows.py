"""Rows of numbers, one for each clip, over all processes."""

from torch import Tensor

from metrics.row_metric import RowMetric


class ClipRows(RowMetric):
    """Keeps a row of numbers for each clip; one that comes twice counts once.

    ``update`` takes the numbers of n clips, (n,), and their rows, (n, k). ``compute`` returns the numbers of all clips,
    (N,), in rising order, and their rows, (N, k), float64.

    >>> import torch
    >>> rows = ClipRows()
    >>> rows.update(torch.tensor([7, 3]), torch.tensor([[0.5], [1.0]]))
    >>> rows.update(torch.tensor([7]), torch.tensor([[0.5]]))
    >>> rows.compute()
    (tensor([3, 7]), tensor([[1.0000], [0.5000]], dtype=torch.float64))
    """

    ROWS = ("numbers", "rows")

    def update(self, index: Tensor, rows: Tensor) -> None:
        """Adds a batch of clips."""
        if len(index):
            self._add_rows(index, index, rows)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Returns the numbers and the rows.

        Raises:
            ValueError: There are none.
        """
        numbers, rows = self._rows()
        return numbers[:, 0].long(), rows
