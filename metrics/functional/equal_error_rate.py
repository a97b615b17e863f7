"""The equal error rate of telling by their vectors whether two clips are of one class."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.bootstrap import Statistic
from metrics.functional.estimate import Estimate

# A similarity as a whole number of 42 bits, which are counted by their upper half first and then by their lower one.
_STEPS_TO_1 = 2**40
_BITS = 21
_PAIRS_AT_ONCE = 2**21


def equal_error_rate(embeddings: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> Estimate:
    r"""EER: how often verification errs, where it misses as often as it gives a false alarm.

    Two clips are taken to be of one class if the cosine of their vectors reaches a threshold. With P the share of
    pairs,

    .. math::
        \text{EER} = P(\cos \geq t \mid \text{two classes}) = P(\cos < t \mid \text{one class})

    over all pairs of different clips. Between two thresholds the rates are interpolated linearly, as of the curve of
    ``sklearn.metrics.roc_curve``. 0 is perfect and 0.5 chance, whatever the sizes of classes; more than 0.5 means that
    clips of one class are less alike than others.

    A code that should tell of the class wants a low EER, and one that should not, 0.5. A code without any variance has
    0.5 as well, so report both codes, and what a reader finds in them (`metrics.functional.read_classes`): the cosine
    looks at all dimensions alike and from the origin, and misses a class in few of them.

    All pairs are compared in blocks, twice, so memory is bounded; similarities are told apart to 1e-12. A vector of
    zeros is at right angles to all.

    Args:
        embeddings: One vector a clip, such as v, or the mean of z over time; of shape (n, D).
        labels: The class of each clip, whole numbers of shape (n,).

    Returns:
        A scalar, a float64 in [0, 1], which shows the numbers of pairs of one class and of two.

    Raises:
        ValueError: Shapes that do not match, NaN or infinity, labels that are not whole, no two clips of one class, or
            none of two.

    Example:
        >>> equal_error_rate([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.2]], [0, 0, 1, 1])
        tensor(0., dtype=torch.float64, n_same=2, n_different=4)
    """
    x = inputs.matrix("embeddings", embeddings)
    y = inputs.classes("labels", labels, len(x)).to(x.device)
    sizes = y.unique(return_counts=True)[1]
    n_same = int((sizes * (sizes - 1) // 2).sum())
    n_different = len(x) * (len(x) - 1) // 2 - n_same
    if not n_same or not n_different:
        raise ValueError(
            f"labels has {n_same} pairs of one class and {n_different} of two among {len(x)} clips; expected both, "
            "since the rate compares them."
        )
    largest = x.abs().amax(dim=1, keepdim=True)
    unit = torch.nn.functional.normalize(x / torch.where(largest > 0, largest, 1.0), dim=1)
    totals = torch.tensor([n_different, n_same], device=x.device)
    accepted = torch.zeros(2, dtype=torch.int64, device=x.device)  # pairs of two classes, of one, above the threshold
    upper = None
    for _ in range(2):
        counts = _counts(unit, y, upper).flip(1)  # from the most alike
        reached = accepted[:, None] + counts.cumsum(dim=1)
        false_alarms, hits = reached.double() / totals[:, None]
        crossing = int((false_alarms >= 1.0 - hits).double().argmax())
        upper = counts.shape[1] - 1 - crossing
        accepted = reached[:, crossing] - counts[:, crossing]
    before, hit_before = (accepted.double() / totals).unbind()
    after, hit_after = (reached[:, crossing].double() / totals).unbind()
    gap, gap_after = (1.0 - hit_before) - before, after - (1.0 - hit_after)
    share = gap / (gap + gap_after)
    return Estimate.of(before + share * (after - before), n_same=n_same, n_different=n_different)


def error_rate_of_draws(embeddings: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> Statistic:
    """Returns a statistic for `bootstrap_interval` of the positions of clips, 0 to n - 1: their equal error rate.

    A clip that is drawn twice makes its pairs count twice, and none with itself. All pairs are kept, 20 bytes each, so
    this is for some thousands of clips. A draw without two clips of one class, or of one class alone, is at chance.

    Args:
        embeddings: See `equal_error_rate`.
        labels: See `equal_error_rate`.

    Example:
        >>> x, y = [[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.2]], [0, 0, 1, 1]
        >>> error_rate_of_draws(x, y)(np.array([[0, 1, 2, 3], [0, 0, 2, 3]])).tolist()
        [0.0, 0.0]
    """
    x = torch.nn.functional.normalize(inputs.matrix("embeddings", embeddings).cpu(), dim=1).numpy()
    y = inputs.classes("labels", labels, len(x)).cpu().numpy()
    first, second = np.triu_indices(len(x), k=1)
    similarities = (x @ x.T)[first, second].round(12)
    order = np.argsort(-similarities, kind="stable")
    first, second = first[order], second[order]
    same = y[first] == y[second]
    last_of_ties = np.flatnonzero(np.append(np.diff(similarities[order]) != 0, True))

    def of_draw(positions: NDArray[Any]) -> float:
        weights = np.bincount(positions.astype(int), minlength=len(x)).astype(float)
        pairs = weights[first] * weights[second]
        hits = np.cumsum(pairs * same)[last_of_ties]
        false_alarms = np.cumsum(pairs)[last_of_ties] - hits
        if not hits[-1] or not false_alarms[-1]:
            return 0.5
        hit, false_alarm = (np.append(0.0, counts / counts[-1]) for counts in (hits, false_alarms))
        after = int((false_alarm >= 1.0 - hit).argmax())
        gap, gap_after = (abs(1.0 - hit[at] - false_alarm[at]) for at in (after - 1, after))
        share = gap / (gap + gap_after)
        return float(false_alarm[after - 1] + share * (false_alarm[after] - false_alarm[after - 1]))

    def of(positions: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        return np.apply_along_axis(of_draw, axis, positions)

    return of


def _counts(unit: Tensor, labels: Tensor, upper: int | None) -> Tensor:
    """How many pairs of two classes and of one have each value of the upper half of their similarity, (2, 2^21 + 1).

    With ``upper``, how many of the pairs with that value have each of the lower half, (2, 2^21).
    """
    n, n_values = len(unit), 2**_BITS
    counts = torch.zeros(2 * (n_values + 1), dtype=torch.int64, device=unit.device)
    rows = max(1, _PAIRS_AT_ONCE // n)
    for start in range(0, n - 1, rows):
        block, others = slice(start, start + rows), slice(start + 1, n)
        similarities = (unit[block] @ unit[others].T).clamp(-1.0, 1.0)
        numbers = ((similarities + 1.0) * _STEPS_TO_1).round().long()
        same = labels[block, None] == labels[others]
        counted = torch.ones_like(same).triu()  # each pair once
        values = numbers >> _BITS
        if upper is not None:
            counted &= values == upper
            values = numbers & (n_values - 1)
        counts += torch.bincount((values + same * (n_values + 1))[counted], minlength=len(counts))
    table = counts.view(2, -1)
    return table if upper is None else table[:, :n_values]
