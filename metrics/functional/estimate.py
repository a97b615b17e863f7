"""Values that say what they were estimated with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Estimate(Tensor):
    """A tensor that remembers how it was estimated, and shows it.

    Mutual information from different numbers of samples, or from different estimators, must not be compared, so what
    the functions of `metrics.functional` return shows both in its ``repr``, and so does what is computed from it.

    Attributes:
        made_with: Names and values of what the value depends on, such as the estimator and the number of samples.

    Example:
        >>> Estimate.of(torch.tensor([0.25, 0.5]), estimator="ksg-k3", n_samples=500)[1]
        tensor(0.5000, estimator=ksg-k3, n_samples=500)
    """

    made_with: Mapping[str, Any] = {}

    @classmethod
    def of(cls, values: Tensor, **made_with: Any) -> "Estimate":
        """Marks values with what they were made with."""
        estimate = values.detach().as_subclass(cls)
        estimate.made_with = made_with
        return estimate

    @classmethod
    def __torch_function__(
        cls, func: Callable, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs or {})
        made_with = next((given.made_with for given in _estimates((args, kwargs)) if given.made_with), {})
        for made in _estimates(result):
            made.made_with = made.made_with or made_with
        return result

    def __format__(self, format_spec: str) -> str:
        return format(self.as_subclass(Tensor), format_spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Estimate":
        return Estimate.of(self.as_subclass(Tensor).clone(), **self.made_with)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        made_with = "".join(f", {name}={value}" for name, value in self.made_with.items())
        return f"{repr(self.as_subclass(torch.Tensor)).removesuffix(')')}{made_with})"


def _estimates(values: Any) -> Iterator[Estimate]:
    """The estimates among the arguments, or the results, of a function of tensors."""
    if isinstance(values, Estimate):
        yield values
    elif isinstance(values, Mapping):
        yield from _estimates(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _estimates(value)
