"""An option as an axis of a figure: where its values lie, and what is written beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_app.sweeps.distributions import Choice, Distribution, Interval
from lightning_app.sweeps.labels import shown

_LONGEST = 18


@dataclass(frozen=True)
class OptionAxis:
    """The axis of an option.

    Attributes:
        choices: The values to choose from, in their order; None where it is of numbers.
        log: Whether the axis is logarithmic.
        bounds: The least and the greatest number that there may be; None where there is no such number.
    """

    choices: tuple[Any, ...] | None
    log: bool = False
    bounds: tuple[float, float] | None = None

    @classmethod
    def of(cls, distribution: Distribution) -> "OptionAxis":
        """Returns the axis of an option with this distribution."""
        if isinstance(distribution, Choice):
            return cls(distribution.values)
        if isinstance(distribution, Interval):
            return cls(None, distribution.log, (distribution.low, distribution.high))
        return cls(None)

    @property
    def is_bounded(self) -> bool:
        """Whether it is known without the values where it begins and ends."""
        return self.choices is not None or self.bounds is not None

    def places(self, values: Sequence[Any]) -> list[float]:
        """Where the values lie on the axis: numbers themselves, and choices by their order."""
        return [float(value if self.choices is None else self.choices.index(value)) for value in values]

    def labels(self) -> list[str]:
        """What the choices are called, cut where they are long."""
        texts = [shown(value) for value in self.choices or ()]
        return [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…" for text in texts]

    def heights(self, values: Sequence[Any]) -> tuple[list[float], float, float]:
        """Where the values lie between the least and the greatest that there may be, from 0 to 1, and these two."""
        places = self.places(values)
        low, high = self.bounds or (min(places), max(places))
        if self.choices is not None:
            low, high = 0.0, float(len(self.choices) - 1)
        scale = math.log if self.log else float
        span = scale(high) - scale(low)
        return [(scale(place) - scale(low)) / span if span else 0.5 for place in places], low, high
