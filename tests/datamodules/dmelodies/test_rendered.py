import json
import pickle

import numpy as np
import pytest

from datamodules.clips import Part
from datamodules.dmelodies import factors
from datamodules.dmelodies.rendered import RenderedMelodies, selectable_melodies
from datamodules.errors import DataError
from datamodules.synthesis import fluidsynth, general_midi

PAPER = {
    "tonic": "C",
    "octaves": (4,),
    "scale": "major",
    "instruments": ("violin", "trumpet"),
    "size": 3000,
    "seed": 0,
    "sample_rate": 16_000,
}


def melodies(**changes) -> RenderedMelodies:
    return RenderedMelodies(**(PAPER | changes))


def rows_of(source: RenderedMelodies) -> np.ndarray:
    """The melodies, as rows of the whole set."""
    return np.array(source.key()["melodies"])


def values_of(source: RenderedMelodies) -> list[tuple[int, ...]]:
    return [tuple(values) for values in factors.melody_factors()[rows_of(source)].tolist()]


def local_factors(source: RenderedMelodies) -> list[tuple[int, ...]]:
    return [values[3:] for values in values_of(source)]


def pitches_of(source: RenderedMelodies) -> np.ndarray:
    return factors.melody_pitches(rows_of(source))


def test_the_papers_melodies_start_and_end_with_a_note():
    # C, octave 4 and major are the first value of each global factor, so these are the first 28 * 28 * 16 rows.
    pitches = factors.melody_pitches(np.arange(12_544))
    expected = np.flatnonzero((pitches[:, 0] >= 0) & (pitches[:, -1] >= 0))
    assert len(expected) == 7056
    assert np.array_equal(np.sort(selectable_melodies("C", (4,), "major")), expected)


def test_selected_melodies_of_another_tonic_scale_and_two_octaves():
    values = factors.melody_factors()
    candidates = np.flatnonzero((values[:, 0] == 6) & (values[:, 1] != 0) & (values[:, 2] == 2))
    pitches = factors.melody_pitches(candidates)
    expected = candidates[(pitches[:, 0] >= 0) & (pitches[:, -1] >= 0)]
    for octaves in ((5, 6), (6, 5), (5, 6, 5)):
        assert np.array_equal(np.sort(selectable_melodies("F#", octaves, "blues")), expected)


def test_several_tonics_are_one_more_factor():
    source = melodies(tonic=("E", "C", "G#"), octaves=(4, 5), size=300)

    values = factors.melody_factors()
    everything = np.flatnonzero(np.isin(values[:, 0], [0, 4, 8]) & np.isin(values[:, 1], [0, 1]) & (values[:, 2] == 0))
    pitches = factors.melody_pitches(everything)
    expected = everything[(pitches[:, 0] >= 0) & (pitches[:, -1] >= 0)]
    assert np.array_equal(np.sort(selectable_melodies(("E", "C", "G#"), (4, 5), "major")), expected)
    names, labels = source.class_names["tonic"], source.labels()["tonic"]
    assert names == ("C", "E", "G#")
    lowest = np.where(pitches_of(source) < 0, 128, pitches_of(source)).min(axis=1)
    assert [names[label] for label in labels] == [{0: "C", 4: "E", 8: "G#"}[pitch % 12] for pitch in lowest]
    assert np.bincount(labels).min() > 70


def test_the_papers_split():
    source = melodies()
    instrument, validation = source.labels()["instrument"], source.parts(0.2, 0) == Part.VALIDATION
    assert len(source) == 3000
    assert (~validation).sum() == 2400
    assert validation.sum() == 600
    assert np.bincount(instrument).tolist() == [1500, 1500]
    assert np.bincount(instrument[validation]).tolist() == [300, 300]
    assert len(set(local_factors(source))) == 3000
    assert (pitches_of(source)[:, [0, -1]] >= 0).all()


def test_groups_stand_for_local_factors():
    source = melodies(octaves=(4, 5))
    pairs = set(zip(source.groups().tolist(), local_factors(source), strict=True))
    assert len(pairs) == len({melody for melody, _ in pairs}) == len({local for _, local in pairs})


@pytest.mark.parametrize(
    ("changes", "most_clips_of_a_melody"), [({"octaves": (4, 5)}, 2), ({"size": 10_000}, 2), ({"seed": 5}, 1)]
)
def test_no_melody_is_on_both_sides(changes, most_clips_of_a_melody):
    source = melodies(**changes)
    local, validation = local_factors(source), source.parts(0.2, 0) == Part.VALIDATION
    training = {melody for melody, held_out in zip(local, validation, strict=True) if not held_out}
    held_out = {melody for melody, held_out in zip(local, validation, strict=True) if held_out}
    assert not training & held_out
    # Not for want of melodies with several clips.
    assert max(local.count(melody) for melody in local[:500]) == most_clips_of_a_melody
    # Whole melodies go to a side, so the training side can exceed its share by all but one clip of a melody.
    assert 0 <= (~validation).sum() - 0.8 * len(source) < most_clips_of_a_melody


def test_both_octaves_are_drawn_about_equally():
    source = melodies(octaves=(4, 5))
    octave = source.labels()["octave"]
    assert set(octave.tolist()) == {0, 1}
    # 3000 of 14112 without replacement: the standard deviation of a share is below 1 %.
    assert 0.45 < (octave == 1).mean() < 0.55


@pytest.mark.parametrize("octaves", [(4, 5), (5, 4), (6,), (6, 4, 5)])
def test_octave_is_the_position_among_the_octaves_asked_for(octaves):
    source = melodies(octaves=octaves, size=40)
    assert source.class_names["octave"] == tuple(map(str, octaves))
    named = np.array(octaves)[source.labels()["octave"]]
    # The value of the second factor counts from octave 4, whose C is MIDI note 60.
    assert np.array_equal(named, np.array(values_of(source))[:, 1] + 4)
    lowest = np.where(pitches_of(source) < 0, 128, pitches_of(source)).min(axis=1)
    assert np.array_equal(named, lowest // 12 - 1)


def rhythms_heard(source: RenderedMelodies) -> tuple[list[str], list[str]]:
    """Which ticks of each bar sound, going by the pitches."""
    words = ["".join("-x"[int(pitch >= 0)] for pitch in melody) for melody in pitches_of(source)]
    return [word[:8] for word in words], [word[8:] for word in words]


def directions_heard(source: RenderedMelodies, arpeggio: int) -> list[str]:
    """Which way an arpeggio goes, three sounding ticks each, going by the pitches."""
    sounding = (melody[melody >= 0][3 * arpeggio : 3 * arpeggio + 3] for melody in pitches_of(source))
    return ["up" if first < last else "down" for first, _, last in sounding]


@pytest.mark.parametrize("octaves", [(4,), (4, 5), (6, 4)])
def test_classes_are_what_is_played_and_heard(octaves):
    source = melodies(octaves=octaves, size=300)
    lowest = np.where(pitches_of(source) < 0, 128, pitches_of(source)).min(axis=1)
    programs = {general_midi.program(name): name for name in PAPER["instruments"]}
    expected = {
        "instrument": [programs[program] for program in source.key()["programs"]],
        "octave": [str(pitch // 12 - 1) for pitch in lowest],
        "rhythm_bar1": rhythms_heard(source)[0],
        "rhythm_bar2": rhythms_heard(source)[1],
        **{f"arp_chord{number + 1}": directions_heard(source, number) for number in range(4)},
    }
    names, labels = source.class_names, source.labels()
    assert set(names) == set(labels) == set(expected)  # tonic and scale are the same for all
    for name, values in expected.items():
        assert [names[name][label] for label in labels[name]] == values
        assert set(names[name]) == set(values)
        assert len(set(names[name])) == len(names[name])
    assert names["instrument"] == PAPER["instruments"]
    assert names["octave"] == tuple(map(str, octaves))


def test_a_factor_with_one_value_among_the_clips_is_no_class():
    for size in range(1, 8):
        source = melodies(size=size)
        values = np.array(values_of(source))
        several = {name for name, column in zip(factors.FACTORS, values.T, strict=True) if len(set(column)) > 1}
        assert set(source.class_names) == {"instrument", "octave"} | several
        assert len(several) == 6 or size < 6  # with few clips, some factors stand still
    assert set(melodies(size=1).class_names) == {"instrument", "octave"}


def test_it_can_be_sent_to_another_process():
    source = melodies(size=4)
    assert pickle.loads(pickle.dumps(source)).key() == source.key()
    maker = pickle.loads(pickle.dumps(source.audio_maker(2)))
    assert np.array_equal(maker(), source.audio(2))


def test_the_seed_sets_the_draw():
    first, again, other = melodies(seed=3), melodies(seed=3), melodies(seed=4)
    assert values_of(first) == values_of(again)
    assert values_of(first) != values_of(other)
    assert first.key() == again.key() != other.key()


@pytest.mark.parametrize("size", [7056, 7057, 10_000, 14_112])
def test_large_sets_play_a_melody_on_an_instrument_once_at_most(size):
    source = melodies(size=size)
    instrument = source.labels()["instrument"].tolist()
    clips = set(zip(local_factors(source), instrument, strict=True))
    assert len(clips) == size
    assert len(set(local_factors(source))) == 7056
    assert abs(instrument.count(0) - instrument.count(1)) <= 1


def test_three_instruments_take_turns():
    source = melodies(instruments=("violin", "trumpet", "flute"), size=300)
    assert np.bincount(source.labels()["instrument"]).tolist() == [100, 100, 100]


def test_key_is_json_and_names_all_that_matters(tmp_path):
    copy = tmp_path / "copy.sf3"
    copy.write_bytes(fluidsynth.find_soundfont().read_bytes()[:1000])
    key = melodies(size=20).key()
    assert json.loads(json.dumps(key)) == key
    changes = [
        *[{"tonic": "D"}, {"octaves": (5,)}, {"scale": "minor"}, {"instruments": ("trumpet", "violin")}],
        *[{"octaves": (4, 5)}, {"octaves": (5, 4)}],
        *[{"size": 21}, {"seed": 1}, {"sample_rate": 22_050}, {"soundfont": copy}],
    ]
    keys = [json.dumps(melodies(**({"size": 20} | change)).key()) for change in changes]
    assert len({json.dumps(key), *keys}) == len(changes) + 1


def test_audio_is_the_melody_on_the_instrument(strongest_frequency):
    source = melodies(instruments=("square_lead", "drawbar_organ"), size=2)
    lead, organ = source.audio(0), source.audio(1)
    assert lead.shape == organ.shape == (64_000,)
    of_lead, of_organ = pitches_of(source)
    # A square's fundamental is its strongest partial. The half tick before the next onset is clear of the last release.
    for pitch, tick in zip(of_lead.tolist(), lead.reshape(16, 4000), strict=True):
        if pitch >= 0:
            assert round(69 + 12 * np.log2(strongest_frequency(tick[2000:], 16_000) / 440)) == pitch
    # This organ's lowest drawbar sounds two octaves below the note it is named by.
    heard = 69 + 12 * np.log2(strongest_frequency(organ[2000:4000], 16_000) / 440)
    assert (round(heard) - of_organ[0]) % 12 == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"instruments": ("violn", "trumpet")}, "'violn' is no General MIDI instrument. Did you mean violin"),
        ({"instruments": ("violin", "violin")}, "name one or more, each once"),
        ({"instruments": ()}, "name one or more, each once"),
        ({"tonic": "H"}, "tonic 'H' is not in dMelodies; choose from C, C#"),
        ({"tonic": ("C", "C")}, r"tonic is \['C', 'C'\]; name one or more, each once"),
        ({"tonic": ()}, r"tonic is \[\]; name one or more, each once"),
        ({"octaves": (3,)}, "octave 3 is not in dMelodies; choose from 4, 5, 6"),
        ({"octaves": (5, 4, 5)}, r"octaves is \[5, 4, 5\]; name one or more, each once"),
        ({"octaves": ()}, r"no octave is named; choose some of 4, 5, 6"),
        ({"scale": "dorian"}, "scale 'dorian' is not in dMelodies; choose from major, minor, blues"),
        ({"size": 0}, "size is 0; 7056 melodies on 2 instrument.* give 1 to 14112"),
        ({"size": 14_113}, "size is 14113; .* 1 to 14112 clips. Change size"),
    ],
)
def test_options_that_name_nothing(changes, message):
    with pytest.raises(DataError, match=message):
        melodies(**changes)


def test_true_swap_is_the_melody_on_the_other_instrument():
    size = {"size": 4, "instruments": ("violin", "trumpet")}
    source, exchanged = melodies(**size), melodies(**(size | {"instruments": ("trumpet", "violin")}))
    assert np.array_equal(rows_of(source), rows_of(exchanged))

    # Where the one set has a violin, the other has a trumpet, and the draw of melodies is the same.
    assert np.array_equal(source.true_swap(0, {"instrument": "trumpet"}), exchanged.audio(0))
    assert np.array_equal(source.true_swap(0, {"instrument": "violin"}), source.audio(0))


def test_true_swap_of_the_octave_is_the_melody_an_octave_higher(strongest_frequency):
    source = melodies(size=2, octaves=(4, 5))
    octave = [source.class_names["octave"][label] for label in source.labels()["octave"]]
    other = {"4": "5", "5": "4"}[octave[0]]
    first_note = slice(1000, 3500)

    heard = [strongest_frequency(audio[first_note], 16_000) for audio in (source.audio(0),
             source.true_swap(0, {"octave": other}))]  # fmt: skip

    pitch = 440 * 2 ** ((int(pitches_of(source)[0, 0]) - 69) / 12)
    expected = [pitch, pitch * 2.0 ** (int(other) - int(octave[0]))]
    # The strongest partial may be any; it moves with the octave.
    assert all(abs(f / e - round(f / e)) < 0.03 for f, e in zip(heard, expected, strict=True))


def test_the_pitch_of_clips_over_time_has_gaps_for_rests():
    source = melodies(size=20)
    chosen = np.array([7, 0, 19])

    known = source.melodies(chosen)

    expected = pitches_of(source)[chosen].astype(float)
    np.testing.assert_array_equal(known, np.where(expected < 0, np.nan, expected))
    assert np.isnan(known).sum() == 3 * 4
