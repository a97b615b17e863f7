"""What a mean over the seeds of a training tells."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student


def margin(values: NDArray[np.float64]) -> float:
    """Returns half of the 95 % interval of the mean of values (n,), by Student's t; 0 of one value, which has none.

    >>> round(margin(np.array([1.0, 2.0, 3.0])), 3)
    2.484
    """
    n = len(values)
    return float(student.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
