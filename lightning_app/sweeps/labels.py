"""What tables and figures call options and their values."""

from collections.abc import Sequence
from typing import Any

from lightning_app.sweeps.sweep_file import Sweep, typed_value


def varied(sweep: Sweep) -> list[str]:
    """Returns the options that trials differ in."""
    return [name for name, one in sweep.parameters.items() if (points := one.points()) is None or len(points) > 1]


def short_names(options: Sequence[str]) -> dict[str, str]:
    """Returns the last part of each option's name, or as many parts as tell it from the others.

    >>> short_names(["model.z_dim", "model.lr", "optimizer.lr"])
    {'model.z_dim': 'z_dim', 'model.lr': 'model.lr', 'optimizer.lr': 'optimizer.lr'}
    """
    names = {}
    for option in options:
        parts = option.split(".")
        endings = [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]
        alike = [sum(f".{one}".endswith(f".{ending}") for one in options) for ending in endings]
        names[option] = next((ending for ending, n in zip(endings, alike, strict=True) if n == 1), option)
    return names


def shown(value: Any) -> str:
    """Returns a value as a table shows it.

    >>> shown(0.00123456), shown("full"), shown(8)
    ('0.00123', 'full', '8')
    """
    return f"{value:.3g}" if isinstance(value, float) else typed_value(value)
