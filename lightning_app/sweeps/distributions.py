"""What a parameter of a sweep may be: W&B's distributions, drawn by Optuna."""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, Protocol

from optuna.trial import Trial


class Distribution(Protocol):
    """The values that a parameter may take, and how they are drawn."""

    def draw(self, trial: Trial, name: str) -> Any:
        """Draws the value of a trial, which keeps it: drawn anew, it is the same."""
        ...

    def value(self, drawn: Any) -> Any:
        """Returns the value that something in the trial's ``params`` stands for."""
        ...

    def points(self) -> Sequence[Any] | None:
        """Returns the values that a grid has; None where they are too many for one."""
        ...


@dataclass(frozen=True)
class Choice:
    """Values to choose from: W&B's ``constant``, ``categorical`` and ``categorical_w_probabilities``.

    Attributes:
        values: The values: anything that YAML can say.
        probabilities: Their probabilities; None where all are alike.
    """

    values: tuple[Any, ...]
    probabilities: tuple[float, ...] | None = None

    def draw(self, trial: Trial, name: str) -> Any:
        if self.probabilities is None:
            return self.value(trial.suggest_categorical(name, self._labels))
        return self.value(trial.suggest_float(name, 0.0, 1.0))

    def value(self, drawn: Any) -> Any:
        if self.probabilities is None:
            return self.values[self._labels.index(drawn)]
        bounds = list(accumulate(self.probabilities))[:-1]
        return self.values[bisect_right(bounds, drawn)]

    def points(self) -> Sequence[Any] | None:
        return self.values if self.probabilities is None else None

    @property
    def _labels(self) -> list[Any]:
        """The values as Optuna can store them."""
        return [json.dumps(value) if isinstance(value, (list, dict)) else value for value in self.values]


@dataclass(frozen=True)
class Interval:
    """Numbers between two bounds: W&B's ``uniform``, ``int_uniform``, ``log_uniform_values`` and their kin.

    Attributes:
        low: The least.
        high: The greatest.
        log: Whether their logarithms are uniform, and not they.
        step: What they are rounded to multiples of; None leaves them as they are. An integer makes integers of them.
        integers: Whether they are all integers between the bounds, each as likely as the next.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integers: bool = False

    def draw(self, trial: Trial, name: str) -> Any:
        if self.integers:
            return trial.suggest_int(name, int(self.low), int(self.high))
        return self.value(trial.suggest_float(name, self.low, self.high, log=self.log))

    def value(self, drawn: Any) -> Any:
        return _rounded(drawn, self.step)

    def points(self) -> Sequence[Any] | None:
        if self.integers:
            return range(int(self.low), int(self.high) + 1)
        if self.step is None or self.log:
            return None
        # As W&B does: from the least on, and without the greatest.
        return [self.low + number * self.step for number in range(math.ceil((self.high - self.low) / self.step))]


@dataclass(frozen=True)
class Shape:
    """Numbers of a distribution that Optuna does not have, by its quantiles: ``normal``, ``log_normal``, ``beta``.

    Attributes:
        kind: Which distribution.
        a: Its first parameter: mu, or a.
        b: Its second parameter: sigma, or b.
        step: What they are rounded to multiples of; None leaves them as they are. An integer makes integers of them.
    """

    kind: Literal["normal", "log_normal", "beta"]
    a: float
    b: float
    step: float | None = None

    def draw(self, trial: Trial, name: str) -> Any:
        # The bounds are at infinity.
        return self.value(trial.suggest_float(name, 1e-6, 1 - 1e-6))

    def value(self, drawn: Any) -> Any:
        from scipy import stats

        if self.kind == "beta":
            return _rounded(float(stats.beta.ppf(drawn, self.a, self.b)), self.step)
        number = float(stats.norm.ppf(drawn, self.a, self.b))
        return _rounded(math.exp(number) if self.kind == "log_normal" else number, self.step)

    def points(self) -> Sequence[Any] | None:
        return None


def _rounded(number: float, step: float | None) -> float | int:
    if step is None:
        return number
    rounded = round(number / step) * step
    return int(rounded) if isinstance(step, int) else rounded
