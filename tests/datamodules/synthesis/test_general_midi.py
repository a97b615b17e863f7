import re

import fluidsynth
import pytest

from datamodules.errors import DataError
from datamodules.synthesis import general_midi
from datamodules.synthesis.fluidsynth import find_soundfont


def test_128_different_names():
    assert len(general_midi.INSTRUMENTS) == 128
    assert len(set(general_midi.INSTRUMENTS)) == 128


@pytest.mark.parametrize(
    ("instrument", "number"),
    # As printed in the standard, counted from one: the first of each of its sixteen families.
    [
        *[("acoustic_grand_piano", 1), ("celesta", 9), ("drawbar_organ", 17), ("nylon_guitar", 25)],
        *[("acoustic_bass", 33), ("violin", 41), ("string_ensemble_1", 49), ("trumpet", 57)],
        *[("soprano_sax", 65), ("piccolo", 73), ("square_lead", 81), ("new_age_pad", 89)],
        *[("rain_effect", 97), ("sitar", 105), ("tinkle_bell", 113), ("guitar_fret_noise", 121), ("gunshot", 128)],
    ],
)
def test_families_start_where_the_standard_says(instrument, number):
    assert general_midi.program(instrument) == number - 1


def test_names_agree_with_the_soundfont():
    # A soundfont names its presets a little differently, so most, not all, must share a word with theirs.
    synth = fluidsynth.Synth(**{"synth.dynamic-sample-loading": 1})  # names only, no samples
    font = synth.sfload(str(find_soundfont()))
    presets = [synth.sfpreset_name(font, 0, program) for program in range(128)]
    synth.delete()
    presets = [preset.decode() if isinstance(preset, bytes) else preset for preset in presets]
    agreeing = [
        bool(set(re.findall("[a-z]{3,}", preset.lower())) & set(name.split("_")))
        for name, preset in zip(general_midi.INSTRUMENTS, presets, strict=True)
    ]
    assert sum(agreeing) >= 100
    # A name too many or too few in the list would shift all that follow.
    assert not any(not any(agreeing[start : start + 8]) for start in range(0, 128, 8))


@pytest.mark.parametrize(
    ("wrong", "suggested"), [("violn", "violin"), ("Trumpet", "trumpet"), ("alto sax", "alto_sax"), ("?", "flute")]
)
def test_unknown_name_suggests_near_ones(wrong, suggested):
    with pytest.raises(DataError) as error:
        general_midi.program(wrong)
    assert f"'{wrong}' is no General MIDI instrument" in str(error.value)
    assert suggested in str(error.value)
