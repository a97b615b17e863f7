"""Apparent depth: how low the spectrum lies, how long notes sound, and how low the lowest partial is."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from datamodules.analysis.timbral.envelopes import RMS_STEP, peak_envelope, rms_envelope
from datamodules.analysis.timbral.filters import low_pass
from datamodules.analysis.timbral.onsets import note_onsets
from datamodules.analysis.timbral.peaks import refined, standing_out
from datamodules.analysis.timbral.preparation import PreparedAudio, no_power
from datamodules.analysis.timbral.spectra import frames, powers, spectra
from datamodules.errors import DataError

_N_FFT = 4096
_CENTROID_BELOW = 2000.0
_LOW = 500.0
_LEAST_POWER = 1e-3  # of a frame, for audio with a peak of 1
_DECAYED = 0.01  # of the largest RMS
_PEAK_CONTRAST = 0.01  # of the spectrum's range

# Of the linear regression in Timbral_Depth.py, AudioCommons timbral models 0.4.0.
_WEIGHT_OF_CENTROID = -0.0043703565847874465
_WEIGHT_OF_RATIO = 32.83743202462131
_WEIGHT_OF_DURATION = 4.750862716905235
_WEIGHT_OF_PITCH = -14.217438690256062
_WEIGHT_OF_RATIO_TIMES_DURATION = 3.8782339862813924
_WEIGHT_OF_LOWNESS_TIMES_DURATION = -0.8544826091735516
_INTERCEPT = 66.69534393444391


def depth_of(audio: PreparedAudio) -> float:
    """Returns the apparent depth in points, about 0 to 100, not clipped.

    Raises:
        DataError: The audio is too short, or silent up to its end, its lowest partial is at 0 Hz,
            or the sound has ended before its only onset.
    """
    spectrum = spectra(frames(audio.samples, _N_FFT), _N_FFT)
    power = spectrum.sum(axis=1)
    if power.sum() <= 0:
        raise no_power(audio, "depth")
    centroid = _centroid(audio, power)
    ratio = _low_ratio(audio, power)
    duration = math.log10(_mean_duration(audio))
    pitch = _log_pitch(spectrum.sum(axis=0), audio.rate)
    lowness = ratio**10 / (ratio**10 + 0.2)
    return float(
        _WEIGHT_OF_CENTROID * centroid
        + _WEIGHT_OF_RATIO * ratio
        + _WEIGHT_OF_DURATION * duration
        + _WEIGHT_OF_PITCH * pitch
        + _WEIGHT_OF_RATIO_TIMES_DURATION * ratio * duration
        + _WEIGHT_OF_LOWNESS_TIMES_DURATION * lowness * duration
        + _INTERCEPT
    )


def _centroid(audio: PreparedAudio, power: NDArray[np.float64]) -> float:
    """The mean centroid in Hz of what lies under 2 kHz, weighted with the frames' whole power; 0 in quiet frames."""
    low = spectra(frames(low_pass(audio.samples, _CENTROID_BELOW, audio.rate), _N_FFT), _N_FFT)
    loud = power > _LEAST_POWER
    centroids = low[loud] @ np.fft.rfftfreq(_N_FFT, 1 / audio.rate) / low[loud].sum(axis=1)
    return min(float(centroids @ power[loud] / power.sum()), _CENTROID_BELOW)


def _low_ratio(audio: PreparedAudio, power: NDArray[np.float64]) -> float:
    """The fraction of the power that lies under 500 Hz; quiet frames have none."""
    low = powers(frames(low_pass(audio.samples, _LOW, audio.rate), _N_FFT), _N_FFT)
    return float(low[power > _LEAST_POWER].sum() / power.sum())


def _mean_duration(audio: PreparedAudio) -> float:
    """The mean time in seconds from a note's peak to its decay by 40 dB under the loudest, or to the next note."""
    onsets = note_onsets(audio.samples, peak_envelope(audio.samples, audio.rate), audio.rate)
    rms = rms_envelope(audio.samples)
    steps = []
    for start, end in itertools.pairwise([*(onset // RMS_STEP for onset in onsets), len(rms)]):
        decay = rms[start + rms[start:end].argmax() : end]
        decayed = np.flatnonzero(decay < _DECAYED)
        steps.append(int(decayed[0]) if len(decayed) else len(decay))
    if not any(steps):
        raise DataError("the sound has ended before its only onset, so it has no duration and no depth.")
    return float(np.mean(steps)) * RMS_STEP / audio.rate


def _log_pitch(spectrum: NDArray[np.float64], rate: int) -> float:
    """The decimal logarithm of the frequency in Hz of the lowest partial that stands out; 0 for mere rumble."""
    spectrum = (spectrum - spectrum.min()) / np.ptp(spectrum)
    partials = standing_out(spectrum, _PEAK_CONTRAST)
    if partials[spectrum[partials].argmax()] == 0:
        return 0.0
    lowest = refined(spectrum, int(partials[0])) * rate / _N_FFT
    if lowest <= 0:
        raise DataError("the audio's lowest partial is at 0 Hz, so it has no depth.")
    return math.log10(lowest)
