"""Notes with correlated factors, or without some combinations to train on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from datamodules import NSynthDataModule
from datamodules.clips.correlation import Correlation
from datamodules.errors import DataError
from datamodules.nsynth.notes import NoteFormat
from datamodules.nsynth.rendered import RenderedNotes
from datamodules.synthesis import fluidsynth
from lightning_app.commands.disentangle import main
from modules.audio.representation import LogMagnitudePicture

PITCHES, VELOCITIES = tuple(range(30, 90, 5)), (25, 50, 75, 100)
NOTES = RenderedNotes(pitches=PITCHES, velocities=VELOCITIES)
LEADS = ["--notes.families=[synth_lead]", "--notes.pitches=[48, 60]", "--notes.velocities=[60, 110]"]


def correlated(strength, factors=("pitch", "velocity"), of="all", **changes):
    return replace(NOTES, correlation=Correlation(factors, strength, of), **changes)


def table_of(notes, first="pitch", second="velocity"):
    """How many notes have each pair of values."""
    pairs = [(getattr(note, first), getattr(note, second)) for note in notes]
    rows, columns = (sorted(set(values)) for values in zip(*pairs, strict=True))
    table = np.zeros((len(rows), len(columns)))
    for row, column in pairs:
        table[rows.index(row), columns.index(column)] += 1
    return table


def cramers_v(table):
    return np.sqrt(chi2_contingency(table, correction=False).statistic / table.sum() / (min(table.shape) - 1))


@pytest.mark.parametrize("notes", [NOTES, correlated(0.0)])
def test_without_a_choice_every_instrument_plays_every_pitch_at_every_velocity(notes):
    for part, chosen in notes.notes().items():
        assert chosen == NOTES.notes()[part]
        assert len(set(table_of(chosen).ravel())) == 1
    assert notes.key(NoteFormat(), fluidsynth.find_soundfont()) == NOTES.key(NoteFormat(), fluidsynth.find_soundfont())


def test_without_a_choice_notes_that_were_rendered_before_are_found_again():
    key = NOTES.key(NoteFormat(), fluidsynth.find_soundfont())
    assert {"families", "pitches", "velocities", "validation_fraction", "seed"} < set(key)
    assert not {"correlation", "held_out"} & set(key)


@pytest.mark.parametrize("strength", [0.25, 0.6, 1.0])
def test_pitches_and_velocities_go_together(strength):
    notes = correlated(strength).notes()

    for part, tolerance in (("train", 0.06), ("valid", 0.12)):
        table = table_of(notes[part])
        assert cramers_v(table) == pytest.approx(strength, abs=tolerance)
        assert table.any(axis=0).all()
        assert table.any(axis=1).all()
    # Low notes are soft: values belong together by their order.
    assert table_of(notes["train"])[:3].argmax(axis=1).tolist() == [0, 0, 0]
    assert set(notes["train"]) < set(NOTES.notes()["train"])


def test_notes_for_validation_may_stay_as_they_were():
    notes = correlated(0.8, of="training").notes()

    assert notes["valid"] == NOTES.notes()["valid"]
    assert len(notes["train"]) < len(NOTES.notes()["train"])


def test_families_and_instruments_go_together_with_pitches():
    by_family = table_of(correlated(1.0, ("family", "pitch")).notes()["train"], "family", "pitch")
    assert (by_family > 0).sum(axis=0).tolist() == [1] * len(PITCHES)  # more pitches than families
    by_instrument = table_of(correlated(1.0, ("instrument", "pitch")).notes()["train"], "instrument", "pitch")
    assert (by_instrument > 0).sum(axis=1).tolist() == [1] * len(by_instrument)


def test_combinations_that_are_held_out_are_for_validation_alone():
    held_out = ({"family": "string", "pitch": 60}, {"velocity": 25, "pitch": 30})
    notes = replace(NOTES, held_out=held_out).notes()

    def is_held_out(note):
        return (note.family == "string" and note.pitch == 60) or (note.velocity == 25 and note.pitch == 30)

    assert notes["train"] == [note for note in NOTES.notes()["train"] if not is_held_out(note)]
    assert notes["valid"] == NOTES.notes()["valid"]


def test_the_seed_sets_the_draw_and_the_key_tells_draws_apart():
    assert correlated(0.5).notes() == correlated(0.5).notes()
    choices = [
        *[correlated(0.5), correlated(0.6), correlated(0.5, of="training"), correlated(0.5, ("pitch", "family"))],
        *[correlated(0.5, seed=1), replace(NOTES, held_out=({"pitch": 30, "velocity": 25},)), NOTES],
    ]
    font = fluidsynth.find_soundfont()
    keys = [json.dumps(notes.key(NoteFormat(), font)) for notes in choices]
    assert len(set(keys)) == len({str(notes.notes()) for notes in choices}) == len(choices)


@pytest.mark.parametrize(
    ("changes", "message", "argument"),
    [
        (
            {"correlation": Correlation(("pitch", "loudness"), 0.5)},
            "has 'loudness'; the factors are family, source, instrument, pitch, velocity",
            "correlation.factors",
        ),
        (
            {"velocities": (100,), "correlation": Correlation(("pitch", "velocity"), 0.5)},
            "velocity, which has one value here, 100",
            "correlation.factors",
        ),
        ({"held_out": ({"pitch": 31},)}, "pitch 31, which is not in this set; choose from 30, 35", "held_out"),
        ({"held_out": ({"pitch": 30},)}, "leaves no training clip of pitch 30; hold fewer", "held_out"),
    ],
)
def test_what_cannot_be_chosen_is_refused(changes, message, argument):
    with pytest.raises(DataError, match=message) as refused:
        replace(NOTES, **changes)
    assert refused.value.argument == argument


def test_the_command_line_renders_the_chosen_notes(tmp_path):
    options = ["--notes.correlation.factors=[pitch, velocity]", "--notes.correlation.strength=1.0"]

    main(["render-nsynth", "--destination", str(tmp_path / "notes"), *LEADS, *options, "--n_workers=1"])

    names = sorted(path.stem[-7:] for path in (tmp_path / "notes" / "nsynth-train" / "audio").iterdir())
    assert names == ["048-060"] * 2 + ["060-110"] * 2


def test_the_command_line_holds_combinations_out(tmp_path):
    options = ["--notes.held_out=[{pitch: 60, velocity: 60}]"]

    main(["render-nsynth", "--destination", str(tmp_path / "notes"), *LEADS, *options, "--n_workers=1"])

    for split, n_notes in (("train", 6), ("valid", 4)):
        listed = json.loads((tmp_path / "notes" / f"nsynth-{split}" / "examples.json").read_text())
        assert len(listed) == n_notes


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--notes.correlation.factors=[pitch, loudness]", "correlation.factors has 'loudness'; the factors are"),
        ("--notes.correlation.strength=2", "correlation.strength is 2.0; it must lie between 0 and 1"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_message(tmp_path, capsys, option, message):
    options = ["--notes.correlation.factors=[pitch, velocity]", "--notes.correlation.strength=0.5", option]

    with pytest.raises(SystemExit) as ended:
        main(["render-nsynth", "--destination", str(tmp_path / "notes"), *options])

    assert ended.value.code != 0
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_notes_rendered_for_training_are_chosen_as_well(tmp_path):
    rendered = RenderedNotes(
        families=("synth_lead",),
        pitches=(48, 60),
        velocities=(60, 110),
        correlation=Correlation(("pitch", "velocity"), 1.0, "training"),
    )
    data = NSynthDataModule(rendered=rendered, representation=LogMagnitudePicture(), cache_dir=tmp_path)
    data.prepare_data()
    data.setup("fit")

    sides = [
        {pair for batch in loader for pair in zip(batch["pitch"].tolist(), batch["velocity"].tolist(), strict=True)}
        for loader in (data.train_dataloader(), data.val_dataloader())
    ]
    assert sides == [{(48, 60), (60, 110)}, {(48, 60), (48, 110), (60, 60), (60, 110)}]
