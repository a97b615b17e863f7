"""Two factors of variation that go together, as instruments and registers do in real recordings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DataError


@dataclass(frozen=True)
class Correlation:
    """Two factors of which the value of one tells of the other.

    With the probability ``strength``, a clip's value of the second factor is one that belongs to its value of the
    first; else it is any. Values belong together by their order: the first octave and the first instrument. Where one
    factor has more values, neighbours belong to the same value of the other. So the two are independent at 0, and at 1
    the factor with more values determines the other.

    Args:
        factors: Names of the two factors.
        strength: The probability, 0 to 1.
        of: Which clips it is true of: ``all``, or those for ``training`` alone, which leaves the factors of the clips
            for validation independent.

    Raises:
        DataError: Not two different factors, a strength that is no probability, or other clips.
    """

    factors: tuple[str, str]
    strength: float
    of: Literal["training", "all"] = "all"

    def __post_init__(self) -> None:
        if len(self.factors) != 2 or self.factors[0] == self.factors[1]:
            raise DataError(
                f"correlation.factors is {list(self.factors)}; name two different factors.",
                argument="correlation.factors",
            )
        if not 0 <= self.strength <= 1:
            raise DataError(
                f"correlation.strength is {self.strength}; it must lie between 0 and 1.",
                argument="correlation.strength",
            )
        if self.of not in ("training", "all"):
            raise DataError(f"correlation.of is {self.of!r}; choose from training, all.", argument="correlation.of")

    def probabilities(self, n_first: int, n_second: int) -> NDArray[np.float64]:
        """Returns the probability of each value of the second factor, given one of the first.

        Args:
            n_first: Number of values of the first factor.
            n_second: Number of values of the second.

        Returns:
            Shape (n_first, n_second); rows add up to 1.

        >>> Correlation(("octave", "instrument"), 0.5).probabilities(2, 2).tolist()
        [[0.75, 0.25], [0.25, 0.75]]
        """
        least = min(n_first, n_second)
        first, second = (np.arange(n) * least // n for n in (n_first, n_second))
        belongs = first[:, None] == second
        return self.strength * belongs / belongs.sum(axis=1, keepdims=True) + (1 - self.strength) / n_second

    def kept(
        self,
        values: Mapping[str, tuple[str, ...]],
        labels: Mapping[str, NDArray[np.integer]],
        generator: np.random.Generator,
    ) -> NDArray[np.bool_]:
        """Draws which of many clips, whose factors are independent, to keep, so that those kept are correlated.

        Args:
            values: Values of each factor.
            labels: Position of each clip's value there, shape (n,).
            generator: Draws a number for each clip, whatever the strength: the stronger, the fewer of the same clips.

        Returns:
            Shape (n,); all are kept at 0.

        Raises:
            DataError: A factor that there is not, or that has one value.
        """
        require_factors(self.factors, values, "correlation.factors")
        for name in self.factors:
            if len(values[name]) < 2:
                raise DataError(
                    f"correlation.factors has {name}, which has one value here, {values[name][0]}; choose another "
                    "factor, or give it more values.",
                    argument="correlation.factors",
                )
        first, second = self.factors
        wanted = self.probabilities(len(values[first]), len(values[second]))
        drawn = generator.random(len(labels[first]))
        return drawn < (wanted / wanted.max())[labels[first], labels[second]]


def require_factors(names: tuple[str, ...], values: Mapping[str, tuple[str, ...]], argument: str) -> None:
    """Raises DataError, which says what there is, where one of the names is that of no factor."""
    for name in names:
        if name not in values:
            raise DataError(f"{argument} has '{name}'; the factors are {', '.join(values)}.", argument=argument)
