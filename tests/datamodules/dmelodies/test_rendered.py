import json

import numpy as np
import pytest

from datamodules.dmelodies import factors
from datamodules.dmelodies.rendered import RenderedMelodies, selectable_melodies
from datamodules.errors import DataError
from datamodules.synthesis import fluidsynth

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


def values_of(source: RenderedMelodies) -> list[tuple[int, ...]]:
    return [tuple(values) for values in source.attributes()["factors"].tolist()]


def local_factors(source: RenderedMelodies) -> list[tuple[int, ...]]:
    return [values[3:] for values in values_of(source)]


def pitches_of(source: RenderedMelodies) -> np.ndarray:
    return factors.melody_pitches(np.ravel_multi_index(source.attributes()["factors"].T, factors.SHAPE))


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


def test_the_papers_split():
    source = melodies()
    attributes, validation = source.attributes(), source.split(0.2)
    assert len(source) == 3000
    assert (~validation).sum() == 2400
    assert validation.sum() == 600
    assert np.bincount(attributes["instrument"]).tolist() == [1500, 1500]
    assert np.bincount(attributes["instrument"][validation]).tolist() == [300, 300]
    assert len(set(local_factors(source))) == 3000
    assert (pitches_of(source)[:, [0, -1]] >= 0).all()


def test_melody_numbers_stand_for_local_factors():
    source = melodies(octaves=(4, 5))
    pairs = set(zip(source.attributes()["melody"].tolist(), local_factors(source), strict=True))
    assert len(pairs) == len({melody for melody, _ in pairs}) == len({local for _, local in pairs})


@pytest.mark.parametrize(
    ("changes", "most_clips_of_a_melody"), [({"octaves": (4, 5)}, 2), ({"size": 10_000}, 2), ({"seed": 5}, 1)]
)
def test_no_melody_is_on_both_sides(changes, most_clips_of_a_melody):
    source = melodies(**changes)
    local, validation = local_factors(source), source.split(0.2)
    training = {melody for melody, held_out in zip(local, validation, strict=True) if not held_out}
    held_out = {melody for melody, held_out in zip(local, validation, strict=True) if held_out}
    assert not training & held_out
    # Not for want of melodies with several clips.
    assert max(local.count(melody) for melody in local[:500]) == most_clips_of_a_melody
    # Whole melodies go to a side, so the training side can exceed its share by all but one clip of a melody.
    assert 0 <= (~validation).sum() - 0.8 * len(source) < most_clips_of_a_melody


def test_both_octaves_are_drawn_about_equally():
    source = melodies(octaves=(4, 5))
    octave = source.attributes()["factors"][:, 1]
    assert set(octave.tolist()) == {0, 1}
    # 3000 of 14112 without replacement: the standard deviation of a share is below 1 %.
    assert 0.45 < (octave == 1).mean() < 0.55


@pytest.mark.parametrize("octaves", [(4, 5), (5, 4), (6,), (6, 4, 5)])
def test_octave_is_the_position_among_the_octaves_asked_for(octaves):
    source = melodies(octaves=octaves, size=40)
    named = np.array(octaves)[source.attributes()["octave"]]
    # The value of the second factor counts from octave 4, whose C is MIDI note 60.
    assert np.array_equal(named, source.attributes()["factors"][:, 1] + 4)
    lowest = np.where(pitches_of(source) < 0, 128, pitches_of(source)).min(axis=1)
    assert np.array_equal(named, lowest // 12 - 1)


def test_the_seed_sets_the_draw():
    first, again, other = melodies(seed=3), melodies(seed=3), melodies(seed=4)
    assert values_of(first) == values_of(again)
    assert values_of(first) != values_of(other)
    assert first.key() == again.key() != other.key()


@pytest.mark.parametrize("size", [7056, 7057, 10_000, 14_112])
def test_large_sets_play_a_melody_on_an_instrument_once_at_most(size):
    source = melodies(size=size)
    instrument = source.attributes()["instrument"].tolist()
    clips = set(zip(local_factors(source), instrument, strict=True))
    assert len(clips) == size
    assert len(set(local_factors(source))) == 7056
    assert abs(instrument.count(0) - instrument.count(1)) <= 1


def test_three_instruments_take_turns():
    source = melodies(instruments=("violin", "trumpet", "flute"), size=300)
    assert np.bincount(source.attributes()["instrument"]).tolist() == [100, 100, 100]


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
        ({"instruments": ("violin", "violin")}, "one or more different names"),
        ({"instruments": ()}, "one or more different names"),
        ({"tonic": "H"}, "tonic 'H' is not in dMelodies; choose from C, C#"),
        ({"octaves": (3,)}, "octave 3 is not in dMelodies; choose from 4, 5, 6"),
        ({"octaves": (5, 4, 5)}, r"octaves must be one or more different numbers; got \[5, 4, 5\]"),
        ({"octaves": ()}, r"no octave is named; choose some of 4, 5, 6"),
        ({"scale": "dorian"}, "scale 'dorian' is not in dMelodies; choose from major, minor, blues"),
        ({"size": 0}, "size is 0; 7056 melodies on 2 instrument.* give 1 to 14112"),
        ({"size": 14_113}, "size is 14113; .* 1 to 14112 clips. Change data.size"),
    ],
)
def test_options_that_name_nothing(changes, message):
    with pytest.raises(DataError, match=message):
        melodies(**changes)
