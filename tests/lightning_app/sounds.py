"""Steady sounds, and trained models of others' making to play them to."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Trained:
    """What own sounds need of a model: one of another's making is one, too."""

    model: Any
    representation: Any
    n_samples: int
    usual_peak: float = 0.5


def tone(seconds: float, rate: int, frequency: float = 440.0, level: float = 0.2) -> np.ndarray:
    """Five partials, steady, (n,)."""
    time = np.arange(round(seconds * rate)) / rate
    partials = np.arange(1, 6)[:, None]
    wave = (np.sin(2 * np.pi * frequency * partials * time) / partials).sum(axis=0)
    return (level * wave / np.abs(wave).max()).astype(np.float32)
