"""Metrics of disentanglement and of sound: torchmetrics; in `metrics.functional` the functions that they compute."""

from metrics.dci import DCI
from metrics.estimators import KSG, Binned
from metrics.frechet_audio_distance import FrechetAudioDistance
from metrics.gaps import (
    DependencyAwareLatentInformationGap,
    DependencyAwareMutualInformationGap,
    DependencyBlindMutualInformationGap,
    MutualInformationGap,
)
from metrics.latent_information import LatentInformation
from metrics.modularity import Modularity
from metrics.raw_pitch_accuracy import RawPitchAccuracy
from metrics.separated_attribute_predictability import SeparatedAttributePredictability
from metrics.swap_classification import SwapClassification
from metrics.traversal import Monotonicity, Smoothness

__all__ = [
    "DCI",
    "KSG",
    "Binned",
    "DependencyAwareLatentInformationGap",
    "DependencyAwareMutualInformationGap",
    "DependencyBlindMutualInformationGap",
    "FrechetAudioDistance",
    "LatentInformation",
    "Modularity",
    "Monotonicity",
    "MutualInformationGap",
    "RawPitchAccuracy",
    "SeparatedAttributePredictability",
    "Smoothness",
    "SwapClassification",
]
