"""Estimators of mutual information from samples."""

from metrics.estimators.binned import Binned
from metrics.estimators.estimator import Estimator, estimator_named
from metrics.estimators.ksg import KSG

__all__ = ["KSG", "Binned", "Estimator", "estimator_named"]
