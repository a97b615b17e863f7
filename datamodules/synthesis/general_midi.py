"""The 128 instruments of General MIDI level 1, by name.

Source: MIDI Manufacturers Association, General MIDI System Level 1 (1991), sound set. Programs count from zero here, as
they do on the wire; printed tables count from one (violin is 41 there).
"""

import difflib

from datamodules.errors import DataError

_NAMES = """
acoustic_grand_piano bright_acoustic_piano electric_grand_piano honky_tonk_piano electric_piano_1 electric_piano_2
harpsichord clavinet celesta glockenspiel music_box vibraphone marimba xylophone tubular_bells dulcimer
drawbar_organ percussive_organ rock_organ church_organ reed_organ accordion harmonica tango_accordion
nylon_guitar steel_guitar jazz_guitar clean_electric_guitar muted_electric_guitar overdriven_guitar
distortion_guitar guitar_harmonics acoustic_bass fingered_bass picked_bass fretless_bass slap_bass_1 slap_bass_2
synth_bass_1 synth_bass_2 violin viola cello contrabass tremolo_strings pizzicato_strings orchestral_harp timpani
string_ensemble_1 string_ensemble_2 synth_strings_1 synth_strings_2 choir_aahs voice_oohs synth_voice orchestra_hit
trumpet trombone tuba muted_trumpet french_horn brass_section synth_brass_1 synth_brass_2
soprano_sax alto_sax tenor_sax baritone_sax oboe english_horn bassoon clarinet
piccolo flute recorder pan_flute blown_bottle shakuhachi whistle ocarina
square_lead sawtooth_lead calliope_lead chiff_lead charang_lead voice_lead fifths_lead bass_and_lead
new_age_pad warm_pad polysynth_pad choir_pad bowed_pad metallic_pad halo_pad sweep_pad
rain_effect soundtrack_effect crystal_effect atmosphere_effect brightness_effect goblins_effect echoes_effect
sci_fi_effect sitar banjo shamisen koto kalimba bagpipe fiddle shanai
tinkle_bell agogo steel_drums woodblock taiko_drum melodic_tom synth_drum reverse_cymbal
guitar_fret_noise breath_noise seashore bird_tweet telephone_ring helicopter applause gunshot
"""

INSTRUMENTS: tuple[str, ...] = tuple(_NAMES.split())
"""The name of each program, in order."""


def program(instrument: str) -> int:
    """Returns the General MIDI program of an instrument, counted from zero.

    Raises:
        DataError: The name is not one of `INSTRUMENTS`; the message suggests the nearest ones.

    >>> program("violin"), program("trumpet")
    (40, 56)
    """
    try:
        return INSTRUMENTS.index(instrument)
    except ValueError:
        near = [name for name in INSTRUMENTS if instrument and instrument in name]
        near = (near + difflib.get_close_matches(instrument, INSTRUMENTS))[:3] or ["violin", "trumpet", "flute"]
        raise DataError(
            f"'{instrument}' is no General MIDI instrument. Did you mean {', '.join(near)}? "
            "All 128 names are in datamodules/synthesis/general_midi.py.",
            argument="instruments",
        ) from None
