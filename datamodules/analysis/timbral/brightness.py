"""Apparent brightness: how much of the power lies above 2 kHz, and where the spectrum's centre lies."""

import math

import numpy as np

from datamodules.analysis.timbral.filters import high_pass
from datamodules.analysis.timbral.preparation import PreparedAudio, no_power
from datamodules.analysis.timbral.spectra import frames, powers, spectra

_N_FFT = 2048
_HIGH = 2000.0
_CENTROID_ABOVE = 100.0

# Of the linear regression in Timbral_Brightness.py, AudioCommons timbral models 0.4.0.
_WEIGHT_OF_RATIO = 4.613128018020465
_WEIGHT_OF_CENTROID = 17.378889309312974
_INTERCEPT = 17.434733750553022


def brightness_of(audio: PreparedAudio) -> float:
    """Returns the apparent brightness in points, about 0 to 100, not clipped.

    The models average frame by frame, weighted with the frames' power. Power cancels in that, and what remains are
    ratios of sums over all frames.

    Raises:
        DataError: The audio is too short, or silent up to its end.
    """
    power = powers(frames(audio.samples, _N_FFT), _N_FFT).sum()
    high_power = powers(frames(high_pass(audio.samples, _HIGH, audio.rate), _N_FFT), _N_FFT).sum()
    spectrum = spectra(frames(high_pass(audio.samples, _CENTROID_ABOVE, audio.rate), _N_FFT), _N_FFT).sum(axis=0)
    if min(power, high_power, spectrum.sum()) <= 0:
        raise no_power(audio, "brightness")
    centroid = np.fft.rfftfreq(_N_FFT, 1 / audio.rate) @ spectrum / spectrum.sum()
    return float(
        _WEIGHT_OF_RATIO * math.log10(high_power / power) + _WEIGHT_OF_CENTROID * math.log10(centroid) + _INTERCEPT
    )
