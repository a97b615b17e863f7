"""The parameters of a sweep file: W&B's entries as options with their distributions."""

import math
from collections.abc import Mapping
from typing import Any

from lightning_app.errors import UsageError, did_you_mean
from lightning_app.sweeps.distributions import Choice, Distribution, Interval, Shape

_Entry = Mapping[str, Any]
_MEAN_AND_SPREAD = {"mu": 0.0, "sigma": 1.0}
DISTRIBUTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "constant": (("value",), {}),
    "categorical": (("values",), {}),
    "categorical_w_probabilities": (("values", "probabilities"), {}),
    "int_uniform": (("min", "max"), {}),
    "uniform": (("min", "max"), {}),
    "q_uniform": (("min", "max"), {"q": 1}),
    "log_uniform": (("min", "max"), {}),
    "q_log_uniform": (("min", "max"), {"q": 1}),
    "inv_log_uniform": (("min", "max"), {}),
    "log_uniform_values": (("min", "max"), {}),
    "q_log_uniform_values": (("min", "max"), {"q": 1}),
    "inv_log_uniform_values": (("min", "max"), {}),
    "normal": ((), _MEAN_AND_SPREAD),
    "q_normal": ((), {**_MEAN_AND_SPREAD, "q": 1}),
    "log_normal": ((), _MEAN_AND_SPREAD),
    "q_log_normal": ((), {**_MEAN_AND_SPREAD, "q": 1}),
    "beta": ((), {"a": 1.0, "b": 1.0}),
    "q_beta": ((), {"a": 1.0, "b": 1.0, "q": 1}),
}
"""W&B's distributions: the keys that each needs, and those that it may have, with their values else.

An integer q makes integers of the values, so that is what it is where it is left out.
"""
_NUMBERS = ("min", "max", "q", "mu", "sigma", "a", "b")


def distributions(entries: Any, where: str, prefix: str = "") -> dict[str, Distribution]:
    """Reads the entries of ``parameters``.

    Args:
        entries: What the file says: for each option its distribution, or a group of options under ``parameters``.
        where: The file and the key, for messages.
        prefix: The groups around them, as the beginning of the options' names.

    Raises:
        UsageError: An entry is none of W&B's; names the file, the key and the remedy.
    """
    if not isinstance(entries, Mapping) or not entries:
        raise UsageError(f"{where} takes options with their values, like `model.z_dim: {{values: [8, 16]}}`.")
    found: dict[str, Distribution] = {}
    for name, entry in entries.items():
        key, option = f"{where}.{name}", f"{prefix}{name}"
        if not isinstance(entry, Mapping):
            raise UsageError(f"{key} is {entry!r}; it takes `value`, `values`, or `min` and `max`.")
        if "parameters" in entry:
            if others := [other for other in entry if other != "parameters"]:
                raise UsageError(f"{key} has {', '.join(others)} beside its parameters; a group has nothing else.")
            found |= distributions(entry["parameters"], f"{key}.parameters", f"{option}.")
        else:
            found[option] = _distribution(entry, key)
    return found


def _distribution(entry: _Entry, key: str) -> Distribution:
    kind = entry.get("distribution", _implied(entry))
    if kind is None:
        known = {name for needed, optional in DISTRIBUTIONS.values() for name in (*needed, *optional)}
        wrong = next((name for name in entry if name not in known), None)
        nearest = "" if wrong is None else f" There is no {wrong}.{did_you_mean(wrong, known)}"
        raise UsageError(f"{key} needs `value`, `values`, `min` and `max`, or a `distribution`.{nearest}")
    if kind not in DISTRIBUTIONS:
        raise UsageError(
            f"{key}.distribution: there is no {kind!r}.{did_you_mean(str(kind), DISTRIBUTIONS)} There are "
            f"{', '.join(DISTRIBUTIONS)}."
        )
    needed, optional = DISTRIBUTIONS[kind]
    allowed = ("distribution", *needed, *optional)
    if unknown := [name for name in entry if name not in allowed]:
        raise UsageError(
            f"{key} is {kind}, and has no {unknown[0]}.{did_you_mean(unknown[0], allowed)} It takes "
            f"{', '.join(allowed)}."
        )
    if missing := [name for name in needed if name not in entry]:
        raise UsageError(f"{key} is {kind}, and needs {' and '.join(missing)}.")
    numbers = {
        name: _number(entry.get(name, optional.get(name)), f"{key}.{name}") for name in _NUMBERS if name in allowed
    }
    if kind in ("constant", "categorical", "categorical_w_probabilities"):
        return _choice(entry, key)
    if "min" in numbers:
        return _interval(kind, numbers, key)
    return _shape(kind, numbers, key)


def _implied(entry: _Entry) -> str | None:
    """The distribution that W&B takes an entry for which names none."""
    if "value" in entry:
        return "constant"
    if "values" in entry:
        return "categorical_w_probabilities" if "probabilities" in entry else "categorical"
    if "min" in entry or "max" in entry:
        integers = all(isinstance(entry.get(bound, 0), int) for bound in ("min", "max"))
        return "int_uniform" if integers else "uniform"
    return None


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        hint = ""
        if isinstance(value, str) and _is_number(value):
            hint = f" To YAML, {value} is a text: write {float(value):f}, or 1.0e-4 instead of 1e-4."
        raise UsageError(f"{key} takes a number, not {value!r}.{hint}")
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _choice(entry: _Entry, key: str) -> Choice:
    if "value" in entry:
        return Choice((entry["value"],))
    values, probabilities = entry["values"], entry.get("probabilities")
    if not isinstance(values, list) or not values:
        raise UsageError(f"{key}.values takes a list of one or more, not {values!r}.")
    if twice := [value for number, value in enumerate(values) if value in values[:number]]:
        raise UsageError(f"{key}.values has {twice[0]!r} twice.")
    if probabilities is None:
        return Choice(tuple(values))
    if not isinstance(probabilities, list) or len(probabilities) != len(values):
        raise UsageError(f"{key}.probabilities takes a list as long as values, which has {len(values)}.")
    numbers = tuple(_number(number, f"{key}.probabilities") for number in probabilities)
    if min(numbers) < 0 or not math.isclose(sum(numbers), 1.0, abs_tol=1e-6):
        raise UsageError(f"{key}.probabilities are {list(numbers)}; they must be 0 or more, with a sum of 1.")
    return Choice(tuple(values), numbers)


def _interval(kind: str, numbers: Mapping[str, float], key: str) -> Interval:
    low, high = numbers["min"], numbers["max"]
    if low >= high:
        raise UsageError(f"{key}: min {low} is not less than max {high}.")
    step = _step(numbers, key)
    if kind == "int_uniform":
        if not (isinstance(low, int) and isinstance(high, int)):
            raise UsageError(f"{key} is int_uniform, and its min and max, {low} and {high}, must be integers.")
        return Interval(low, high, integers=True)
    if kind.endswith("uniform_values"):
        if low <= 0:
            raise UsageError(f"{key}.min is {low}; with {kind} it must be above 0.")
        # The logarithm of 1 / x is as uniform as that of x.
        return Interval(low, high, log=True, step=step)
    if kind == "inv_log_uniform":
        low, high = -high, -low
    if "log" in kind:
        return Interval(math.exp(low), math.exp(high), log=True, step=step)
    return Interval(low, high, step=step)


def _shape(kind: str, numbers: Mapping[str, float], key: str) -> Shape:
    step = _step(numbers, key)
    for name in ("sigma", "a", "b"):
        if name in numbers and numbers[name] <= 0:
            raise UsageError(f"{key}.{name} is {numbers[name]}; it must be above 0.")
    if kind.endswith("beta"):
        return Shape("beta", numbers["a"], numbers["b"], step)
    return Shape("log_normal" if "log" in kind else "normal", numbers["mu"], numbers["sigma"], step)


def _step(numbers: Mapping[str, float], key: str) -> float | None:
    step = numbers.get("q")
    if step is not None and step <= 0:
        raise UsageError(f"{key}.q is {step}; it must be above 0.")
    return step
