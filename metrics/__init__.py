"""Measures of disentanglement: pure functions in `metrics.functional`, and torchmetrics on top of them."""

from metrics.swap_classification import SwapClassification

__all__ = ["SwapClassification"]
