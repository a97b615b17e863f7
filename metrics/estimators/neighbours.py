"""Nearest neighbours of planar points and counts of their neighbours on the axes, compiled by Numba.

What the estimator of Kraskov et al. (2004) spends its time on. Every latent meets every attribute, so what belongs to
one column is prepared once (`Axis`), and a pair costs one pass over the points: no tree is built and nothing is sorted.

The kernels release the interpreter's lock, so that threads share the pairs, and are cached on disk, so that they are
compiled once on a machine and not at each start.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Axis(NamedTuple):
    """A column of n values in order, with a table that finds the place of any value in a few steps.

    The range of the values is cut into n cells of equal width; ``cell_start`` says how many values lie before each.
    """

    values: Floats  # (n,), ascending
    order: Integers  # (n,), the row of each of them
    rank: Integers  # (n,), the place of each row
    cell_start: Integers  # (n + 1,)
    cells_per_unit: float


def axis(column: Floats) -> Axis:
    """Prepares a column of float64 values of shape (n,), without NaN."""
    order = np.argsort(column, kind="stable")
    values = column[order]
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    width = values[-1] - values[0]
    cells_per_unit = len(values) / width if width > 0 else 0.0
    return Axis(values, order, rank, _cell_starts(values, cells_per_unit), cells_per_unit)


@njit(cache=True, nogil=True)
def _cell_starts(values: Floats, cells_per_unit: float) -> Integers:
    n = len(values)
    starts = np.zeros(n + 1, np.int64)
    for value in values:
        starts[min(int((value - values[0]) * cells_per_unit), n - 1) + 1] += 1
    return np.cumsum(starts)


@njit(cache=True, nogil=True)
def _place(on: Axis, bound: float) -> int:
    """The number of values below ``bound``, or a place next to it where rounding has moved the bound's cell."""
    values = on.values
    n = len(values)
    cell = (bound - values[0]) * on.cells_per_unit
    if cell < 0:
        return 0
    if cell >= n:
        return n
    low, high = on.cell_start[int(cell)], on.cell_start[int(cell) + 1]
    while high - low > 8:
        middle = (low + high) // 2
        if values[middle] < bound:
            low = middle + 1
        else:
            high = middle
    while low < high and values[low] < bound:
        low += 1
    return low


@njit(cache=True, nogil=True)
def count_within(on: Axis, value: float, radius: float) -> int:
    """The number of values whose distance from ``value`` is at most ``radius``, that of the value itself included.

    The comparison is made on the rounded difference, as scikit-learn makes it: ``value + radius`` may round onto a
    neighbour that lies just outside, and counting that one biases the estimate by 0.01 nat.
    """
    values = on.values
    n = len(values)
    first = _place(on, value - radius)
    while first > 0 and value - values[first - 1] <= radius:
        first -= 1
    while first < n and value - values[first] > radius:
        first += 1
    end = _place(on, value + radius)
    while end < n and values[end] - value <= radius:
        end += 1
    while end > 0 and values[end - 1] - value > radius:
        end -= 1
    return end - first


@njit(cache=True, nogil=True)
def _keep_nearest(nearest: Floats, distance: float) -> None:
    """Inserts a distance into the ascending ``nearest``, whose last falls out."""
    place = len(nearest) - 1
    while place > 0 and nearest[place - 1] > distance:
        nearest[place] = nearest[place - 1]
        place -= 1
    nearest[place] = distance


@njit(cache=True, nogil=True)
def _search_strip(
    xs: Floats, ys: Floats, start: int, end: int, below: int, above: int, x: float, y: float, nearest: Floats
) -> None:
    """Keeps the nearest of a strip's points: those in [start, below] and [above, end), walking away from y."""
    last = len(nearest) - 1
    while below >= start or above < end:
        down = y - ys[below] if below >= start else np.inf
        up = ys[above] - y if above < end else np.inf
        if min(down, up) >= nearest[last]:
            return
        if down < up:
            distance = max(down, abs(x - xs[below]))
            below -= 1
        else:
            distance = max(up, abs(x - xs[above]))
            above += 1
        if distance < nearest[last]:
            _keep_nearest(nearest, distance)


@njit(cache=True, nogil=True)
def digamma_of_counts(x_axis: Axis, y_axis: Axis, k: int, digamma: Floats) -> float:
    r"""The mean over all points of ψ(n_x + 1) + ψ(n_y + 1) of Kraskov et al. (2004, eq. 8).

    n_x and n_y count the other points that are strictly nearer on one axis than the k-th nearest neighbour is in the
    plane (maximum norm). The points are laid out in about √n strips of equally many points, next to each other in x
    and ascending in y. The search starts in a point's own strip and goes outwards, strip by strip, while a strip lies
    nearer than the k-th neighbour found so far. Points of a strip are taken in the order of y, so that the place from
    which to search another strip only ever moves up. On average this is O(k) a point.

    Args:
        x_axis: One coordinate of the n points.
        y_axis: The other, of the same points.
        k: The neighbour that sets the radius, at least 1 and less than n.
        digamma: ψ(0 ... n), of shape (n + 1,).
    """
    n = len(x_axis.values)
    in_strip = int(np.sqrt((k + 1.0) * n)) + 1
    n_strips = (n + in_strip - 1) // in_strip
    xs, ys = np.empty(n), np.empty(n)
    fill = np.arange(n_strips) * in_strip
    for place in range(n):
        x_rank = x_axis.rank[y_axis.order[place]]
        strip = x_rank // in_strip
        xs[fill[strip]] = x_axis.values[x_rank]
        ys[fill[strip]] = y_axis.values[place]
        fill[strip] += 1

    nearest = np.empty(k)
    above = np.empty(n_strips, np.int64)
    total = 0.0
    for strip in range(n_strips):
        start, end = strip * in_strip, min((strip + 1) * in_strip, n)
        above[:] = np.arange(n_strips) * in_strip
        for point in range(start, end):
            x, y = xs[point], ys[point]
            nearest[:] = np.inf
            _search_strip(xs, ys, start, end, point - 1, point + 1, x, y, nearest)
            for step in (-1, 1):
                other = strip + step
                while 0 <= other < n_strips:
                    first, stop = other * in_strip, min((other + 1) * in_strip, n)
                    gap = x - x_axis.values[stop - 1] if step < 0 else x_axis.values[first] - x
                    if gap >= nearest[k - 1]:
                        break
                    while above[other] < stop and ys[above[other]] < y:
                        above[other] += 1
                    _search_strip(xs, ys, first, stop, above[other] - 1, above[other], x, y, nearest)
                    other += step
            radius = np.nextafter(nearest[k - 1], 0.0)
            total += digamma[count_within(x_axis, x, radius)] + digamma[count_within(y_axis, y, radius)]
    return total / n


@njit(cache=True, nogil=True)
def digamma_of_classes(x_axis: Axis, labels: Integers, n_labels: int, n_neighbors: int, digamma: Floats) -> float:
    r"""The mean over all points of ψ(m) + ψ(N_x) - ψ(k) of Ross (2014).

    Args:
        x_axis: The continuous values of the n points.
        labels: The class of each, in [0, ``n_labels``), of shape (n,); each class has two points or more.
        n_labels: The number of classes.
        n_neighbors: k, or as many neighbours as a smaller class has.
        digamma: ψ(0 ... n), of shape (n + 1,).
    """
    n = len(labels)
    ends = np.zeros(n_labels + 1, np.int64)
    for label in labels:
        ends[label + 1] += 1
    starts = np.cumsum(ends)[:-1]
    by_class = np.empty(n)
    fill = starts.copy()
    for place in range(n):
        label = labels[x_axis.order[place]]
        by_class[fill[label]] = x_axis.values[place]
        fill[label] += 1

    total = 0.0
    for label in range(n_labels):
        start, size = starts[label], ends[label + 1]
        k = min(n_neighbors, size - 1)
        for place in range(size):
            value = by_class[start + place]
            nearest = np.inf  # the k nearest of an ordered list are k + 1 consecutive ones, the value itself included
            for first in range(max(0, place - k), min(place, size - 1 - k) + 1):
                reach = max(value - by_class[start + first], by_class[start + first + k] - value)
                nearest = min(nearest, reach)
            radius = np.nextafter(nearest, 0.0)
            total += digamma[count_within(x_axis, value, radius)] + digamma[size] - digamma[k]
    return total / n
