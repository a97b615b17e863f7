"""Where notes start, to the sample: onsets by spectral flux, traced back in the envelope and freed of false ones."""

import itertools

import numpy as np
from numba import njit
from numpy.typing import NDArray

from datamodules.analysis.timbral.spectral_flux import HOP, onset_frames, onset_strength

# From calculate_onsets in timbral_util.py, AudioCommons timbral models 0.4.0.
_LOOK_BACK_SECONDS = 0.02
_RIPPLE_SECONDS = 0.3
_RIPPLE = 0.1  # of the envelope's range: a smaller dip does not part two notes
_LEAST_ATTACK = 0.1  # of the envelope's range
_LEAST_SECONDS_APART = 0.1
_LEAST_STRENGTH = 3.0  # in dB


def note_onsets(samples: NDArray[np.float64], envelope: NDArray[np.float64], rate: int) -> list[int]:
    """Returns the samples at which notes start, ascending; ``[0]`` where none is found.

    Args:
        samples: Shape (n_samples,), with a peak of about 1.
        envelope: `envelopes.peak_envelope` of them, shape (n_samples,).
        rate: Sample rate in Hz.
    """
    strength = onset_strength(samples, rate)
    detected = onset_frames(strength, rate) * HOP
    value_range = envelope.max() - envelope.min()
    onsets = _traced_back(detected, envelope, rate, _RIPPLE * value_range)
    if len(onsets) > 1:
        onsets = _with_attack(onsets, envelope, _LEAST_ATTACK * value_range)
    onsets = _apart(onsets, _LEAST_SECONDS_APART * rate)
    return sorted(_strong(onsets, strength)) or [0]


def _traced_back(detected: NDArray[np.int64], envelope: NDArray[np.float64], rate: int, ripple: float) -> list[int]:
    """The start of each onset, without repetition. The audio's start counts only where it is the first onset's."""
    look_back, ripple_length = int(_LOOK_BACK_SECONDS * rate), int(_RIPPLE_SECONDS * rate)
    starts: list[int] = []
    for onset in detected:
        # An onset in the last frame is an artefact of the end, unless there is no other.
        if onset > 0 and starts and onset + HOP - 1 >= len(envelope):
            continue
        start = _trace_back(envelope, int(onset), look_back, ripple_length, ripple) if onset > 0 else 0
        if start not in starts and (start > 0 or not starts):
            starts.append(start)
    return starts


@njit(cache=True, nogil=True)
def _trace_back(envelope: NDArray[np.float64], onset: int, look_back: int, ripple_length: int, ripple: float) -> int:
    """Goes down the envelope to where the rise that leads to ``onset`` starts; 0 where that is in the first frame."""
    while True:
        before = envelope[onset - look_back - 1 : onset] if onset > look_back else envelope[: onset - 1]
        if before.min() <= envelope[onset]:
            # Down the slope. Near the start, where the stretch is cut short, this lands earlier than its minimum: so
            # it is in the models.
            onset += int(before.argmin()) - look_back - 1
            if onset <= HOP:
                return 0
            continue
        # The foot of a slope; but a small ripple on a longer one does not count.
        lower = -1
        for i in range(onset - 1, max(onset - ripple_length - 1, 0) - 1, -1):
            if envelope[i] < envelope[onset]:
                lower = i
                break
        if lower < 0 or envelope[lower:onset].max() - envelope[lower:onset].min() >= ripple:
            return onset
        if lower < HOP:
            return 0
        onset = lower


def _with_attack(onsets: list[int], envelope: NDArray[np.float64], least: float) -> list[int]:
    """Those after which the envelope rises by ``least`` before the next of them."""
    kept: list[int] = []
    for onset in reversed(onsets):
        note = envelope[onset : kept[0]] if kept else envelope[onset:]
        peak = int(note.argmax()) if len(note) else 0
        if peak > 0 and note[peak] - note[:peak].min() >= least:
            kept.insert(0, onset)
    return kept


def _apart(onsets: list[int], least: float) -> list[int]:
    """Drops each that follows another too closely, until none does."""
    while True:
        close = {later for earlier, later in itertools.pairwise(onsets) if abs(later - earlier) < least}
        if not close:
            return onsets
        onsets = [onset for onset in onsets if onset not in close]


def _strong(onsets: list[int], strength: NDArray[np.float64]) -> list[int]:
    """Those with enough onset strength before the next of them."""
    kept: list[int] = []
    for onset in reversed(onsets):
        note = strength[onset // HOP : kept[0] // HOP] if kept else strength[onset // HOP :]
        if len(note) and note.max() >= _LEAST_STRENGTH:
            kept.insert(0, onset)
    return kept
