import numpy as np
import pytest

from datamodules.analysis.timbral.envelopes import peak_envelope
from datamodules.analysis.timbral.onsets import note_onsets

RATE = 44_100


def onsets(audio: np.ndarray, rate: int = RATE) -> list[int]:
    audio = audio / np.abs(audio).max()
    return note_onsets(audio, peak_envelope(audio, rate), rate)


def notes(starts: list[float], levels: list[float], seconds: float = 3.0, rate: int = RATE) -> np.ndarray:
    """Decaying chords over faint noise."""
    audio = 1e-5 * np.random.default_rng(0).normal(size=round(seconds * rate))
    for start, level in zip(starts, levels, strict=True):
        time = np.arange(len(audio) - round(start * rate)) / rate
        chord = sum(np.sin(2 * np.pi * f * time) for f in (262, 330, 392, 1100, 3000))
        audio[round(start * rate) :] += level * chord * np.exp(-12 * time)
    return audio


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_notes_that_follow_one_another_start_where_they_start(rate):
    starts = [0.3, 0.6, 0.9]
    found = onsets(notes(starts, [1.0, 0.8, 0.9], seconds=1.2, rate=rate), rate)
    assert np.array(found[1:]) / rate == pytest.approx(starts[1:], abs=0.04)


def test_the_start_of_a_note_after_a_rest_lies_in_the_rest():
    # The envelope of noise is flat, and the way back goes on for a while: so it is in the models.
    first, second = onsets(notes([0.3, 1.5], [1.0, 0.8]))
    assert 0 <= first <= 0.31 * RATE
    assert 1.0 * RATE <= second <= 1.51 * RATE


def test_a_note_too_faint_for_an_attack_is_none():
    found = onsets(notes([0.3, 1.5], [1.0, 0.03]))
    assert len(found) == 1
    assert found[0] <= 0.31 * RATE


def test_of_two_notes_closer_than_100_ms_the_first_remains():
    found = onsets(notes([0.3, 0.6, 0.67], [1.0, 0.5, 1.0]))
    assert len(found) == 2
    assert found[1] / RATE == pytest.approx(0.6, abs=0.04)


def test_without_onsets_the_audio_is_one_note():
    assert onsets(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)) == [0]
    assert onsets(np.ones(10)) == [0]


@pytest.mark.parametrize("seed", range(10))
def test_onsets_ascend_and_lie_100_ms_apart_in_any_audio(seed):
    generator = np.random.default_rng(seed)
    starts = generator.uniform(0, 2.9, size=15)
    found = onsets(notes(list(starts), list(generator.uniform(0.01, 1, size=15))))
    assert (np.diff(found) >= 0.1 * RATE).all()
    assert 0 <= found[0] <= found[-1] < 3 * RATE
