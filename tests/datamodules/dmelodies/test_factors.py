import hashlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from datamodules.dmelodies import factors
from datamodules.errors import DataError

# 2,000 rows of the official set, which are compared where the file lies beside the checkout.
REFERENCE = Path(__file__).parents[3].parent / "shared" / "data" / "dmelodies_reference.npz"

# Of the official set: int32, C order.
SCORES_SHA256 = "57e9047dffbde43bc13a2c21f1202092ce672cbaa3518cb8a351f9ace6421e22"
FACTORS_SHA256 = "683560823471ad2920298b45618b074b24c07fcab6e139e0f1ea97f3cd53b0a6"


@pytest.fixture(scope="module")
def scores():
    return factors.melody_scores()


# The notes of the official set, as MIDI numbers in the order of their tokens.
NOTES = [
    *(60, 64, 67, 65, 69, 72, 71, 74, 63, 68, 66, 70, 76, 79, 77, 81, 84, 83, 86, 75, 80, 78, 82, 88, 91),
    *(89, 93, 96, 95, 98, 87, 92, 90, 94, 61, 73, 85, 97, 99, 62, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109),
]
# Some of its rows: number, factors, score.
ROWS = [
    (0, [0, 0, 0, 0, 0, 0, 0, 0, 0], [2, 3, 4, 5, 6, 7, 1, 1, 4, 8, 9, 2, 3, 4, 1, 1]),
    (465_095, [4, 0, 1, 2, 4, 0, 1, 1, 1], [3, 4, 8, 14, 7, 1, 1, 6, 23, 21, 8, 8, 1, 4, 1, 3]),
    (1_354_751, [11, 2, 2, 27, 27, 1, 1, 1, 1], [1, 1, 43, 31, 30, 49, 46, 42, 1, 1, 51, 47, 43, 43, 31, 30]),
]


def _written_out() -> dict[str, np.ndarray]:
    index, latents, score = map(np.array, zip(*ROWS, strict=True))
    return {"index": index, "latents": latents, "score": score, "token_midi": np.array([-1, -1, *NOTES])}


@pytest.fixture(scope="module", params=["written out", *(["file"] if REFERENCE.is_file() else [])])
def reference(request):
    if request.param == "written out":
        return _written_out()
    with np.load(REFERENCE) as file:
        return dict(file)


def plain_melody(row: int) -> tuple[list[int], list[int]]:
    """The factors and the pitches of one melody, step by step."""
    values: list[int] = []
    for size in reversed((12, 3, 3, 28, 28, 2, 2, 2, 2)):
        row, value = divmod(row, size)
        values.insert(0, value)
    tonic, octave, scale, rhythm_1, rhythm_2, *directions = values
    steps = [[0, 2, 4, 5, 7, 9, 11, 12, 14], [0, 2, 3, 5, 7, 8, 11, 12, 14], [0, 2, 3, 5, 6, 9, 10, 12, 14]][scale]
    arpeggios = []
    for chord, direction in zip(([0, 2, 4], [3, 5, 7], [4, 6, 8], [0, 2, 4]), directions, strict=True):
        notes = [60 + tonic + 12 * octave + steps[degree] for degree in chord]
        arpeggios.append(notes[::-1] if direction else notes)
    pitches: list[int] = []
    for rhythm, notes in ((rhythm_1, arpeggios[0] + arpeggios[1]), (rhythm_2, arpeggios[2] + arpeggios[3])):
        onsets = list(combinations(range(8), 6))[rhythm]
        pitches += [notes[onsets.index(tick)] if tick in onsets else -1 for tick in range(8)]
    return values, pitches


def test_all_scores_are_those_of_the_official_set(scores):
    assert scores.shape == (1_354_752, 16)
    assert scores.dtype == np.int32
    assert hashlib.sha256(np.ascontiguousarray(scores)).hexdigest() == SCORES_SHA256


def test_all_factors_are_those_of_the_official_set():
    values = factors.melody_factors()
    assert values.shape == (1_354_752, 9)
    assert values.dtype == np.int32
    assert hashlib.sha256(np.ascontiguousarray(values)).hexdigest() == FACTORS_SHA256


def test_reference_rows(reference, scores):
    rows = reference["index"]
    assert np.array_equal(factors.melody_factors()[rows], reference["latents"])
    assert np.array_equal(scores[rows], reference["score"])
    # The reference names a rest's pitch as it names its token, -1.
    assert np.array_equal(factors.melody_pitches(rows), reference["token_midi"][reference["score"]])


def test_reference_tokens(reference):
    assert factors.note_tokens() == {
        int(midi): token for token, midi in enumerate(reference["token_midi"]) if midi >= 0
    }


def test_pitches_and_factors_of_random_rows_against_a_plain_construction():
    rows = np.random.default_rng(0).integers(0, factors.N_MELODIES, 500)
    values = factors.melody_factors()[rows]
    pitches = factors.melody_pitches(rows)
    assert pitches.shape == (500, 16)
    for row, row_values, row_pitches in zip(rows.tolist(), values.tolist(), pitches.tolist(), strict=True):
        assert (row_values, row_pitches) == plain_melody(row)


@pytest.mark.parametrize("row", [0, 1, 15, 16, 447, 448, 12_543, 12_544, 1_354_751])
def test_pitches_where_a_factor_turns_over(row):
    assert factors.melody_pitches(np.array([row]))[0].tolist() == plain_melody(row)[1]


def test_pitches_of_no_melodies():
    assert factors.melody_pitches(np.array([], int)).shape == (0, 16)


@pytest.mark.parametrize("rows", [[-1], [0, 1_354_752], [5, -3, 7]])
def test_index_outside_the_set(rows):
    with pytest.raises(DataError, match=r"\[0, 1354752\)") as error:
        factors.melody_pitches(np.array(rows))
    assert str(min(rows)) in str(error.value)
    assert str(max(rows)) in str(error.value)


def test_note_tokens_are_numbered_by_first_appearance(scores):
    rows = np.random.default_rng(1).integers(0, factors.N_MELODIES, 20_000)
    token_of = factors.note_tokens()
    assert sorted(token_of) == list(range(60, 110))
    assert sorted(token_of.values()) == list(range(2, 52))
    in_words = np.vectorize(lambda pitch: 1 if pitch < 0 else token_of[pitch])
    assert np.array_equal(in_words(factors.melody_pitches(rows)), scores[rows])
    # A later token never appears before the first place of an earlier one.
    first = np.full(52, scores.size)
    flat = scores.ravel()
    for token in range(2, 52):
        first[token] = np.argmax(flat == token)
    assert (np.diff(first[2:]) > 0).all()


def test_changing_the_returned_tokens_changes_nothing():
    factors.note_tokens().clear()
    assert len(factors.note_tokens()) == 50


@pytest.mark.parametrize(
    ("name", "value", "index"),
    [
        ("tonic", "Bb", 10),
        ("octave", 6, 2),
        ("scale", "blues", 2),
        ("arp_chord4", "down", 1),
        ("rhythm_bar1", None, 27),
    ],
)
def test_factor_index(name, value, index):
    value = (2, 3, 4, 5, 6, 7) if value is None else value
    assert factors.factor_index(name, value) == index


def test_unknown_factor_lists_the_factors():
    with pytest.raises(DataError, match=r"'key' is no factor of dMelodies.*tonic, octave, scale, rhythm_bar1"):
        factors.factor_index("key", "C")


def test_unknown_value_lists_the_values():
    with pytest.raises(DataError, match=r"tonic 'A#' is not in dMelodies; choose from C, C#, D, Eb,.*Bb, B"):
        factors.factor_index("tonic", "A#")
    with pytest.raises(DataError, match="octave 7 is not in dMelodies; choose from 4, 5, 6"):
        factors.factor_index("octave", 7)


def test_values_have_names_of_their_own():
    for name, values in factors.FACTORS.items():
        names = factors.value_names(name)
        assert len(names) == len(set(names)) == len(values)
    assert factors.value_names("tonic") == factors.TONICS
    assert factors.value_names("scale") == ("major", "minor", "blues")
    assert factors.value_names("arp_chord3") == ("up", "down")


def test_a_rhythm_is_named_by_the_ticks_that_sound():
    words = factors.value_names("rhythm_bar2")
    heard = factors.melody_pitches(np.arange(0, 28 * 16, 16))[:, 8:] >= 0  # the second bar's rhythm, all else the first
    assert ["".join("-x"[int(tick)] for tick in bar) for bar in heard] == list(words)
