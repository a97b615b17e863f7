"""The symbolic dMelodies set, made from its factors (Pati, Gururani & Lerch, ISMIR 2020).

A melody has two bars of eight eighth notes. Nine factors determine it: tonic, octave and scale choose nine notes; the
rhythm of each bar chooses which six of its eight ticks have an onset; four directions say whether each arpeggio (two in
a bar, three onsets each, over the chords I, IV, V, I) rises or falls.
"""

import functools
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DataError

N_TICKS = 16
TICKS_PER_BAR = 8

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
OCTAVES = (4, 5, 6)
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11, 12, 14),
    "minor": (0, 2, 3, 5, 7, 8, 11, 12, 14),
    "blues": (0, 2, 3, 5, 6, 9, 10, 12, 14),
}
RHYTHMS = tuple(combinations(range(TICKS_PER_BAR), 6))
DIRECTIONS = ("up", "down")
# Indices into the nine notes of the scale: I and IV in bar one, V and I in bar two.
CHORDS = ((0, 2, 4), (3, 5, 7), (4, 6, 8), (0, 2, 4))

FACTORS: dict[str, tuple[object, ...]] = {
    "tonic": TONICS,
    "octave": OCTAVES,
    "scale": tuple(SCALES),
    "rhythm_bar1": RHYTHMS,
    "rhythm_bar2": RHYTHMS,
    "arp_chord1": DIRECTIONS,
    "arp_chord2": DIRECTIONS,
    "arp_chord3": DIRECTIONS,
    "arp_chord4": DIRECTIONS,
}
"""Every factor's name and values, in the order of the set's axes (the last varies fastest)."""


def value_names(name: str) -> tuple[str, ...]:
    """Returns the values of a factor as words; a rhythm as its onsets.

    >>> value_names("octave"), value_names("rhythm_bar1")[0]
    (('4', '5', '6'), 'xxxxxx--')
    """
    if FACTORS[name] is RHYTHMS:
        return tuple("".join("x" if tick in onsets else "-" for tick in range(TICKS_PER_BAR)) for onsets in RHYTHMS)
    return tuple(map(str, FACTORS[name]))


SHAPE = tuple(len(values) for values in FACTORS.values())
N_MELODIES = int(np.prod(SHAPE))
GLOBAL_FACTORS = ("tonic", "octave", "scale")
LOCAL_FACTORS = tuple(name for name in FACTORS if name not in GLOBAL_FACTORS)

REST = 1
_FIRST_NOTE_TOKEN = 2
_MIDI_C4 = 60


def melody_factors() -> NDArray[np.int32]:
    """Returns the value index of each factor for all melodies, shape (1354752, 9), in index order.

    >>> melody_factors().shape
    (1354752, 9)
    """
    factors = np.empty((*SHAPE, len(SHAPE)), np.int32)
    for axis, size in enumerate(SHAPE):
        along_axis = [1] * len(SHAPE)
        along_axis[axis] = size
        factors[..., axis] = np.arange(size, dtype=np.int32).reshape(along_axis)
    return factors.reshape(N_MELODIES, len(SHAPE))


def melody_pitches(rows: NDArray[np.integer]) -> NDArray[np.int32]:
    """Returns the MIDI pitch of each tick of the given melodies.

    Args:
        rows: Indices of melodies in the set, shape (n,), each in [0, 1354752).

    Returns:
        Shape (n, 16); MIDI note numbers, -1 where the tick rests.

    Raises:
        DataError: An index lies outside the set.

    >>> melody_pitches(np.array([0]))[0].tolist()
    [60, 64, 67, 65, 69, 72, -1, -1, 67, 71, 74, 60, 64, 67, -1, -1]
    """
    rows = np.asarray(rows)
    if rows.size and (rows.min() < 0 or rows.max() >= N_MELODIES):
        raise DataError(f"a melody's index must lie in [0, {N_MELODIES}); got {rows.min()} to {rows.max()}.")
    by_axis = np.unravel_index(rows, SHAPE)
    tonic, octave, scale = by_axis[:3]
    base = _MIDI_C4 + 12 * octave + tonic
    degrees = _bar_degrees()
    ticks = np.concatenate(
        [degrees[0][by_axis[3], by_axis[5], by_axis[6]], degrees[1][by_axis[4], by_axis[7], by_axis[8]]], axis=1
    )
    steps = np.array(list(SCALES.values()))[scale[:, None], np.maximum(ticks, 0)]
    return np.where(ticks < 0, -1, base[:, None] + steps).astype(np.int32)


def melody_scores() -> NDArray[np.int32]:
    """Returns the token of each tick of all melodies, shape (1354752, 16), in index order.

    Token 0 is the continuation sign, which no melody uses; 1 is the rest; notes follow in the order in which they first
    appear in the set (`note_tokens`).
    """
    n_tonics, n_octaves, n_scales = SHAPE[:3]
    degrees = _bar_degrees()
    rest = len(next(iter(SCALES.values())))
    # (rhythm 1, rhythm 2, direction 1-4, tick): the scale's degree, or `rest`.
    local = np.empty((*SHAPE[3:], N_TICKS), np.intp)
    local[..., :TICKS_PER_BAR] = degrees[0][:, None, :, :, None, None]
    local[..., TICKS_PER_BAR:] = degrees[1][None, :, None, None, :, :]
    local[local < 0] = rest
    token_of = _note_token_by_midi()
    scores = np.empty((n_tonics, n_octaves, n_scales, local.size), np.int32)
    for tonic, octave, scale in np.ndindex(n_tonics, n_octaves, n_scales):
        base = _MIDI_C4 + 12 * octave + tonic
        tokens = [token_of[base + step] for step in list(SCALES.values())[scale]] + [REST]
        np.take(np.array(tokens, np.int32), local.ravel(), out=scores[tonic, octave, scale])
    return scores.reshape(N_MELODIES, N_TICKS)


def note_tokens() -> dict[int, int]:
    """Returns the token of each MIDI note of the set, in the order of the tokens (2 to 51 for MIDI 60 to 109)."""
    return dict(_note_token_by_midi())


def factor_index(name: str, value: object) -> int:
    """Returns the position of a value among a factor's values.

    Raises:
        DataError: There is no such factor, or it has no such value; the message lists what there is.

    >>> factor_index("octave", 5)
    1
    """
    if name not in FACTORS:
        raise DataError(f"'{name}' is no factor of dMelodies; its factors are {', '.join(FACTORS)}.")
    values = FACTORS[name]
    if value not in values:
        raise DataError(
            f"{name} {value!r} is not in dMelodies; choose from {', '.join(map(str, values))}.", argument=name
        )
    return values.index(value)


@functools.cache
def _bar_degrees() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each bar, shape (28, 2, 2, 8): the index into the scale of each tick's note, -1 for a rest."""
    bars = []
    for first_chord, second_chord in (CHORDS[:2], CHORDS[2:]):
        bar = np.full((len(RHYTHMS), 2, 2, TICKS_PER_BAR), -1, np.intp)
        for rhythm, onsets in enumerate(RHYTHMS):
            for first, second in np.ndindex(2, 2):
                notes = first_chord[:: -1 if first else 1] + second_chord[:: -1 if second else 1]
                bar[rhythm, first, second, list(onsets)] = notes
        bars.append(bar)
    return bars[0], bars[1]


@functools.cache
def _note_token_by_midi() -> dict[int, int]:
    """Numbers the notes by first appearance; one melody shows all the notes of its tonic, octave and scale in order."""
    n_tonics, n_octaves, n_scales = SHAPE[:3]
    per_global = N_MELODIES // (n_tonics * n_octaves * n_scales)
    tokens: dict[int, int] = {}
    for pitch in melody_pitches(np.arange(0, N_MELODIES, per_global)).ravel().tolist():
        if pitch >= 0:
            tokens.setdefault(pitch, len(tokens) + _FIRST_NOTE_TOKEN)
    return tokens
