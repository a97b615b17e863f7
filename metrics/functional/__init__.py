"""The metrics as pure functions of arrays."""

from metrics.functional.swap_classification import swap_classification

__all__ = ["swap_classification"]
