"""dMelodies with correlated factors, or without some combinations to train on."""

import pickle

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from datamodules.clips import Part
from datamodules.clips.correlation import Correlation
from datamodules.dmelodies import factors
from datamodules.dmelodies.rendered import RenderedMelodies, selectable_melodies
from datamodules.errors import DataError
from datamodules.synthesis import general_midi

BASE = {
    "tonic": "C",
    "octaves": (4, 5),
    "scale": "major",
    "instruments": ("violin", "trumpet"),
    "size": 3000,
    "seed": 0,
    "sample_rate": 16_000,
}
PROGRAMS = [general_midi.program(name) for name in ("violin", "trumpet")]


def melodies(factors=None, strength=0.0, of="all", **changes):
    correlation = None if factors is None else Correlation(factors, strength, of)
    return RenderedMelodies(**(BASE | changes), correlation=correlation)


def heard(source):
    """Instrument, octave, local factors and part of each clip, from what is rendered."""
    values = factors.melody_factors()[np.array(source.key()["melodies"])]
    instruments = np.array([PROGRAMS.index(program) for program in source.key()["programs"]])
    validation = source.parts(source.validation_fraction, 0) == Part.VALIDATION
    return instruments, values[:, 1], [tuple(row) for row in values[:, 3:].tolist()], validation


def cramers_v(first, second):
    counts = np.unique(np.stack([first, second]), axis=1, return_counts=True)
    table = np.zeros((max(first) + 1, max(second) + 1))
    table[tuple(counts[0])] = counts[1]
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    return np.sqrt(chi2_contingency(table, correction=False).statistic / table.sum() / (min(table.shape) - 1))


@pytest.mark.parametrize("correlation", [None, Correlation(("instrument", "octave"), 0.0)])
@pytest.mark.parametrize("changes", [{}, {"octaves": (4,)}, {"seed": 7, "size": 9000}])
def test_without_correlation_the_draw_is_the_papers(correlation, changes):
    """Melodies are drawn without repetition, and instruments take turns."""
    options = BASE | changes
    source = RenderedMelodies(**options, correlation=correlation, validation_fraction=0.3)

    drawn = np.random.default_rng(options["seed"]).permutation(selectable_melodies("C", options["octaves"], "major"))
    clips = np.arange(options["size"])
    assert source.key()["melodies"] == drawn[clips % len(drawn)].tolist()
    turns = (clips % len(drawn) + clips // len(drawn)) % 2
    assert source.key()["programs"] == [PROGRAMS[turn] for turn in turns]
    assert source.key() == RenderedMelodies(**options).key()


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75, 1.0])
def test_the_drawn_instruments_and_octaves_go_together(strength):
    instruments, octaves, _, validation = heard(melodies(("instrument", "octave"), strength))

    for side in (validation, ~validation):
        assert cramers_v(instruments[side], octaves[side]) == pytest.approx(strength, abs=0.08)
        assert 0.4 < instruments[side].mean() < 0.6
        assert 0.4 < octaves[side].mean() < 0.6


def test_factors_with_many_values_go_together():
    source = melodies(("octave", "rhythm_bar1"), 0.75, size=2000)
    _, octaves, local, validation = heard(source)
    rhythms = np.array([row[0] for row in local])

    # With seven rhythms or so for an octave; small counts push Cramér's V up a little.
    assert cramers_v(octaves[~validation], rhythms[~validation]) == pytest.approx(0.75, abs=0.06)
    assert len(set(rhythms[~validation].tolist())) == 21


def test_validation_clips_may_stay_as_they_were():
    instruments, octaves, _, validation = heard(melodies(("octave", "instrument"), 0.9, "training"))

    assert cramers_v(instruments[~validation], octaves[~validation]) == pytest.approx(0.9, abs=0.05)
    assert cramers_v(instruments[validation], octaves[validation]) < 0.12


@pytest.mark.parametrize("fraction", [0.2, 0.5])
@pytest.mark.parametrize("held_out", [(), ({"instrument": "violin", "octave": 5},)])
@pytest.mark.parametrize("strength", [0.0, 0.6])
def test_the_split_is_by_melody_and_has_its_shares(fraction, held_out, strength):
    source = melodies(("instrument", "octave"), strength, held_out=held_out, validation_fraction=fraction)
    instruments, octaves, local, validation = heard(source)

    assert abs(validation.sum() - fraction * 3000) <= 2
    on_either = [{row for row, side in zip(local, validation, strict=True) if side == part} for part in (True, False)]
    assert not on_either[0] & on_either[1]
    assert len(set(zip(instruments.tolist(), octaves.tolist(), local, strict=True))) == 3000  # each clip once


def test_no_melody_for_validation_is_one_for_training_at_another_strength():
    """So a model that was trained at one can be tried at the others."""
    sides = [heard(melodies(("instrument", "octave"), strength)) for strength in (0.3, 0.6, 0.9)]
    for_training = {
        row for *_, local, validation in sides for row, side in zip(local, ~validation, strict=True) if side
    }
    for_validation = {
        row for *_, local, validation in sides for row, side in zip(local, validation, strict=True) if side
    }
    assert not for_training & for_validation


def test_combinations_that_are_held_out_are_for_validation_alone():
    source = melodies(held_out=({"instrument": "violin", "octave": 5}, {"instrument": "trumpet", "arp_chord1": "up"}))
    instruments, octaves, local, validation = heard(source)

    rising = np.array([row[2] == 0 for row in local])
    held = ((instruments == 0) & (octaves == 1)) | ((instruments == 1) & rising)
    assert not held[~validation].any()
    assert 0.3 < held[validation].mean() < 0.7
    assert set(zip(instruments[validation].tolist(), octaves[validation].tolist(), strict=True)) == {
        (instrument, octave) for instrument in (0, 1) for octave in (0, 1)
    }


def test_the_seed_sets_the_draw_and_processes_agree():
    first, again, other = (melodies(("instrument", "octave"), 0.5, seed=seed) for seed in (3, 3, 4))
    assert first.key() == again.key() == pickle.loads(pickle.dumps(first)).key()
    assert first.key()["melodies"] != other.key()["melodies"]


def test_strengths_and_combinations_have_entries_of_their_own_in_the_cache():
    pair = ("instrument", "octave")
    sources = [
        *[melodies(), melodies(pair, 0.5), melodies(pair, 0.6), melodies(pair, 0.5, "training")],
        *[melodies(("arp_chord1", "octave"), 0.5), melodies(held_out=({"instrument": "violin", "octave": 5},))],
    ]
    assert len({repr(source.key()) for source in sources}) == len(sources)


def test_attributes_are_what_is_heard():
    source = melodies(octaves=(4, 5, 6), size=500)
    pitches = factors.melody_pitches(np.array(source.key()["melodies"]))
    values = source.attributes()

    assert set(values) == set(source.attribute_names)
    for clip, melody in enumerate(pitches.tolist()):
        assert values["pitch"][clip] == pytest.approx(np.mean([pitch for pitch in melody if pitch >= 0]))
        for name, bar in (("rest_bar1", melody[:8]), ("rest_bar2", melody[8:])):
            rests = [tick for tick, pitch in enumerate(bar) if pitch < 0]
            assert len(rests) == 2
            assert values[name][clip] == pytest.approx(sum(rests) / 2)


@pytest.mark.parametrize(
    ("changes", "message", "argument"),
    [
        (
            {"factors": ("instrument", "tempo")},
            "'tempo'; the factors are instrument, octave, rhy",
            "correlation.factors",
        ),
        ({"factors": ("instrument", "tonic")}, "'tonic'; the factors are", "correlation.factors"),
        ({"instruments": ("violin",)}, "has instrument, which has one value here, violin", "correlation.factors"),
        ({"octaves": (4,)}, "has octave, which has one value here, 4; choose another", "correlation.factors"),
        ({"held_out": ({"instrument": "flute"},)}, "instrument flute, which is not in this set", "held_out"),
        ({"held_out": ({"octave": 6},)}, "octave 6, which is not in this set; choose from 4, 5", "held_out"),
        ({"held_out": ({"octave": 5},)}, "leaves no training clip of octave 5; hold fewer", "held_out"),
        (
            {"size": 18_000, "strength": 0.9},
            r"correlation leaves \d+ clips for training, and a size of 18000 needs 14400; take a smaller size, or more",
            "correlation",
        ),
        (
            {"size": 28_000, "factors": None, "held_out": ({"instrument": "violin", "octave": 5},)},
            "held_out leaves .* clips for training",
            "held_out",
        ),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0; it must lie between", "validation_fraction"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_rendering(changes, message, argument):
    with pytest.raises(DataError, match=message) as refused:
        melodies(**({"factors": ("instrument", "octave"), "strength": 0.5} | changes))
    assert refused.value.argument == argument
