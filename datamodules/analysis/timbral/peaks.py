"""Peaks of a spectrum that stand out from the valleys beside them, as MIRtoolbox and the timbral models pick them."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def standing_out(values: NDArray[np.float64], contrast: float) -> NDArray[np.int64]:
    """Returns the indices of the local maxima that rise by ``contrast`` over the valleys to both sides, ascending.

    Args:
        values: Shape (n,), finite. The first and the last can be maxima too.
        contrast: Least height over the valleys, and least value.

    >>> standing_out(np.array([0.0, 0.5, 0.4, 0.45, 0.6, 0.3, 0.1, 0.5, 1.0, 0.0]), 0.2)
    array([4, 8])
    """
    return _standing_out(values, contrast)


def refined(values: NDArray[np.float64], index: int) -> float:
    """Returns where a parabola through a maximum and its two neighbours has its top, as a fractional index.

    A maximum at the border, which lacks a neighbour, stays where it is.

    >>> refined(-((np.arange(5) - 2.25) ** 2), 2)
    2.25
    """
    if not 0 < index < len(values) - 1:
        return float(index)
    left, top, right = values[index - 1 : index + 2]
    return float(index + 0.5 * (right - left) / (2 * top - left - right))


@njit(cache=True, nogil=True)
def _standing_out(values: NDArray[np.float64], contrast: float) -> NDArray[np.int64]:
    n = len(values)
    found = np.empty(n, np.int64)
    n_found = 0
    candidate = -1
    previous = -1
    valley_before = -np.inf  # nothing limits the first peak to its left
    valley_after = np.inf
    for i in range(n):
        rises = i == 0 or values[i] > values[i - 1]
        falls = i == n - 1 or values[i + 1] <= values[i]
        if values[i] < contrast or not (rises and falls):
            continue
        if candidate >= 0:
            # The value right before a maximum does not count as valley: so it is in the models.
            valley_after = min(valley_after, values[previous : i - 1].min())
            if values[candidate] - valley_after < contrast:
                # One hill with two tops: the higher one represents it.
                valley_before = min(valley_before, valley_after)
                if values[i] > values[candidate]:
                    candidate = i
                    valley_after = np.inf
            else:
                if values[candidate] - valley_before >= contrast:
                    found[n_found] = candidate
                    n_found += 1
                    valley_before = valley_after
                else:
                    valley_before = min(valley_before, valley_after)
                candidate = i
                valley_after = np.inf
        else:
            candidate = i
        previous = i
    if candidate >= 0 and values[candidate] - valley_before >= contrast:
        found[n_found] = candidate
        n_found += 1
    return found[:n_found]
