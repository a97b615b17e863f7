"""Results are as loud, as long and of the rate of their source."""

import numpy as np
import pytest

from lightning_app.own_sounds.level import like_source
from lightning_app.own_sounds.sound import Sound


def rms(wave):
    return np.sqrt((wave.astype(float) ** 2).mean())


@pytest.mark.parametrize("rate", [None, 8_000, 48_000])
def test_level_length_and_rate_are_those_of_the_source(sound, rate, strongest_frequency):
    source = sound(1.234, 44_100)
    made = sound(1.3, 16_000, frequency=300).wave * 0.01

    result = like_source(made, 16_000, "it", source, length=source, rate=rate)

    assert result.rate == (rate or 44_100)
    assert len(result.wave) == round(1.234 * result.rate)
    assert rms(result.wave) == pytest.approx(rms(source.wave), rel=1e-5)
    assert strongest_frequency(result.wave, result.rate) == pytest.approx(300, abs=1)
    assert result.note == ""


def test_length_may_be_that_of_another_sound(sound):
    made = sound(0.5, 16_000).wave

    result = like_source(made, 16_000, "it", sound(2.0, 44_100), length=sound(0.5, 22_050))

    assert (result.rate, len(result.wave)) == (44_100, 22_050)


def test_peaks_do_not_clip_and_what_that_costs_is_said():
    source = Sound(np.full(1000, 0.5, np.float32), 8_000, "loud.wav")
    spiky = np.zeros(1000, np.float32)
    spiky[::100] = 1.0

    result = like_source(spiky, 8_000, "it", source, length=source)

    assert np.abs(result.wave).max() == pytest.approx(1.0)
    lower = 20 * np.log10(rms(source.wave) / rms(result.wave))
    assert result.note == f"It is {lower:.1f} dB softer than loud.wav, so that its peaks do not clip."


def test_silence_is_not_made_loud(sound):
    source = sound()

    result = like_source(np.zeros(16_000, np.float32), 16_000, "it", source, length=source)

    assert not result.wave.any()
    assert "silent" in result.note
