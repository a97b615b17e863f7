"""The metrics as pure functions of arrays."""

from metrics.functional.bootstrap import Interval, bootstrap_interval, macro_f1, mean, ratio_of_sums
from metrics.functional.clip_distances import clip_frechet_distances
from metrics.functional.dci import DCIScores, dci
from metrics.functional.equal_error_rate import equal_error_rate, error_rate_of_draws
from metrics.functional.estimate import Estimate
from metrics.functional.frechet_distance import frechet_distance
from metrics.functional.frechet_extrapolation import extrapolated_frechet_distance
from metrics.functional.gaps import (
    dependency_aware_latent_information_gap,
    dependency_aware_mutual_information_gap,
    dependency_blind_mutual_information_gap,
    mutual_information_gap,
)
from metrics.functional.information import conditional_entropy, entropy, mutual_information
from metrics.functional.kernel_distance import kernel_distance
from metrics.functional.linearised_frechet import linearised_frechet_distance
from metrics.functional.modularity import modularity
from metrics.functional.raw_pitch_accuracy import raw_pitch_accuracy
from metrics.functional.readers import chance_level, read_classes, read_values
from metrics.functional.separated_attribute_predictability import separated_attribute_predictability
from metrics.functional.spearman import spearman_correlation
from metrics.functional.swap_classification import discriminate, swap_classification
from metrics.functional.traversal import monotonicity, smoothness

__all__ = [
    "DCIScores",
    "Estimate",
    "Interval",
    "bootstrap_interval",
    "chance_level",
    "clip_frechet_distances",
    "conditional_entropy",
    "dci",
    "dependency_aware_latent_information_gap",
    "dependency_aware_mutual_information_gap",
    "dependency_blind_mutual_information_gap",
    "discriminate",
    "entropy",
    "equal_error_rate",
    "error_rate_of_draws",
    "extrapolated_frechet_distance",
    "frechet_distance",
    "kernel_distance",
    "linearised_frechet_distance",
    "macro_f1",
    "mean",
    "modularity",
    "monotonicity",
    "mutual_information",
    "mutual_information_gap",
    "ratio_of_sums",
    "raw_pitch_accuracy",
    "read_classes",
    "read_values",
    "separated_attribute_predictability",
    "smoothness",
    "spearman_correlation",
    "swap_classification",
]
