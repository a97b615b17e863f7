"""The figure of a small run, and its command line."""

import csv
import importlib
import shutil
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from datamodules.dmelodies.rendered import RenderedMelodies
from lightning_app.commands.disentangle import main
from lightning_app.evaluation.kept_melody import listen
from lightning_app.evaluation.replacement import ROLES, Reader, replace
from lightning_app.figures.global_factors import global_factors, octaves_above_source
from lightning_app.runs.load_run import load_run

FACTORS = ("instrument", "octave")
HEADER = "role clip instrument octave instrument_read octave_read melody median_pitch_hz raw_pitch_accuracy"


@pytest.fixture(scope="module")
def drawn(two_octave_run, tmp_path_factory):
    """The folder of a figure."""
    output = tmp_path_factory.mktemp("figure")
    global_factors(two_octave_run, output=output)
    return output


def table_of(folder, name="global_factors.csv"):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["figure", "global_factors", *map(str, arguments)])
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    return message


def test_files(drawn):
    files = {path.name for path in drawn.iterdir()}
    assert files == {*(f"global_factors{ending}" for ending in ("", ".png", ".svg", ".csv", "_f1.csv"))}
    assert (drawn / "global_factors.png").read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(drawn / "global_factors.svg").getroot().tag.endswith("svg")


def test_table_has_the_clips_as_they_were_rendered(drawn):
    rows = table_of(drawn)
    assert list(rows[0]) == HEADER.split()
    assert [row["role"] for row in rows] == list(ROLES)
    source = RenderedMelodies("C", (4, 5), "major", ("violin", "trumpet"), 40, 0, 16_000)
    labels, melodies, validation = source.labels(), source.groups(), source.parts(0.4, 0).astype(bool)
    for row in rows[:4]:
        clip = int(row["clip"])
        assert validation[clip]
        assert row["instrument"] == ("violin", "trumpet")[labels["instrument"][clip]]
        assert int(row["octave"]) == labels["octave"][clip] + 4
        assert int(row["melody"]) == melodies[clip]
    assert len({row["melody"] for row in rows[:4]}) == 4
    for target, replaced in zip(rows[1:4], rows[4:], strict=True):
        assert [replaced[name] for name in FACTORS] == [target[name] for name in FACTORS]
        assert [replaced[name] for name in ("clip", "melody")] == [rows[0][name] for name in ("clip", "melody")]
    assert all(row["raw_pitch_accuracy"] == "" for row in rows[:4])


def test_table_has_what_is_read(two_octave_run, drawn):
    made = load_run(two_octave_run)
    model, data = made.model, made.data
    data.prepare_data()
    data.setup("test")
    reader = Reader(model, data, FACTORS)
    log_mels, rows = replace(model, data, FACTORS, 0).x, table_of(drawn)
    read = reader.classes(log_mels)

    for row, (instrument, octave) in zip(rows, read, strict=True):
        assert row["instrument_read"] == ("violin", "trumpet")[instrument]
        assert row["octave_read"] == ("4", "5")[octave]
    heard = listen(
        log_mels, data.representation, data.n_samples, [int(row["octave"]) - int(rows[0]["octave"]) for row in rows], 0
    )
    assert [row["median_pitch_hz"] for row in rows] == ["" if hz is None else str(hz) for hz in heard.median_hz]
    assert [row["raw_pitch_accuracy"] for row in rows[4:]] == ["" if a is None else str(a) for a in heard.accuracy[4:]]
    scores = {row["factor"]: float(row["macro_f1"]) for row in table_of(drawn, "global_factors_f1.csv")}
    assert scores == pytest.approx(reader.validation_f1(0))


def test_melody_moves_with_the_octave_and_with_nothing_else():
    names = SimpleNamespace(class_names={"octave": ("6", "4", "5"), "instrument": ("violin", "trumpet")})
    wanted = np.array([[0, 1], [1, 1], [0, 0], [1, 2]])

    assert octaves_above_source(names, ("instrument", "octave"), wanted) == [0, 0, 2, 1]
    assert octaves_above_source(names, ("octave", "instrument"), wanted[:, ::-1]) == [0, 0, 2, 1]
    assert octaves_above_source(names, ("instrument", "key"), wanted) == [0, 0, 0, 0]


def test_sounds_are_named_by_what_they_should_be(drawn):
    expected = {f"{row['role']}_{row['instrument']}_octave_{row['octave']}.wav" for row in table_of(drawn)}
    sounds = list((drawn / "global_factors").iterdir())
    assert {path.name for path in sounds} == expected
    for path in sounds:
        audio, rate = soundfile.read(path)
        assert rate == 16_000
        assert 3.8 < len(audio) / rate <= 4.0
        assert 0 < np.abs(audio).max() <= 1


@pytest.mark.slow
def test_panels_are_those_of_the_paper(two_octave_run, tmp_path, monkeypatch):
    """Targets above columns 2 to 4, the source at the lower left, and beside it the replaced, each under its target."""
    figures, module = [], importlib.import_module("lightning_app.figures.global_factors")

    class Kept(module.Figure):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            figures.append(self)

    monkeypatch.setattr(module, "Figure", Kept)

    global_factors(two_octave_run, seed=1, output=tmp_path)

    (figure,) = figures
    *panels, bar = figure.axes
    assert bar.get_ylabel() == "log power"
    assert not panels[0].images
    places = {"source": 4, "target_1": 1, "target_2": 2, "target_3": 3}
    places |= {"replaced_1": 5, "replaced_2": 6, "replaced_3": 7}
    made = load_run(two_octave_run)
    model, data = made.model, made.data
    data.prepare_data()
    data.setup("test")
    log_mels = replace(model, data, FACTORS, 1).x.numpy()
    colours = set()
    for row, log_mel in zip(table_of(tmp_path), log_mels, strict=True):
        axis = panels[places[row["role"]]]
        (image,) = axis.images
        np.testing.assert_array_equal(image.get_array(), log_mel.T)
        colours.add(image.get_clim())
        assert axis.get_title().endswith(f": {row['instrument']}, octave {row['octave']}")
        assert axis.get_title().startswith("expected" if "replaced" in row["role"] else row["role"].replace("_", " "))
        assert f"LDA of v reads {row['instrument_read']}, octave {row['octave_read']}" in axis.get_xlabel()
        assert axis.get_xlabel().startswith("seconds\n")
    assert len(colours) == 1


@pytest.mark.slow
def test_seed_decides_all(two_octave_run, drawn, tmp_path):
    global_factors(two_octave_run, seed=0, output=tmp_path / "again")
    global_factors(two_octave_run, seed=1, output=tmp_path / "other")

    for path in sorted(drawn.rglob("*.*")):
        if path.suffix != ".svg":  # which holds the date
            assert (tmp_path / "again" / path.relative_to(drawn)).read_bytes() == path.read_bytes(), path.name
    assert table_of(tmp_path / "other") != table_of(drawn)


def test_command_line_writes_into_the_run_and_nowhere_else(two_octave_run, tmp_path, capsys):
    run = shutil.copytree(two_octave_run, tmp_path / "run")
    before = {path.relative_to(run) for path in run.rglob("*")}
    (run / "figures" / "global_factors").mkdir(parents=True)
    (run / "figures" / "global_factors" / "source_of_another_seed.wav").touch()

    main(["figure", "global_factors", "--run", str(run), "--factors", "[octave, instrument]", "--seed", "3"])

    after = {path.relative_to(run) for path in run.rglob("*")}
    assert {path.parts[0] for path in after - before} == {"figures"}
    assert len(list((run / "figures" / "global_factors").iterdir())) == 7
    first, second, *_ = (row for row in table_of(run / "figures") if row["role"] in ("source", "target_1"))
    assert first["octave"] != second["octave"]
    assert first["instrument"] == second["instrument"]
    shown = capsys.readouterr().out
    assert f"Wrote {run / 'figures' / 'global_factors.png'}" in shown
    assert "over all 16 validation clips, each with the v of one that differs in both: macro F1 octave " in shown


# What is refused


def test_folder_that_is_no_run(tmp_path, capsys):
    assert "config.yaml; name the folder of a run" in fails(capsys, "--run", tmp_path)


def test_factor_that_the_data_have_not(two_octave_run, capsys):
    message = fails(capsys, "--run", two_octave_run, "--factors", "[instrument, tonic]")

    assert "has no factor tonic; it has instrument, octave, " in message


def test_one_factor_twice(two_octave_run, capsys):
    message = fails(capsys, "--run", two_octave_run, "--factors", "[octave, octave]")

    assert "two different factors; got octave twice (--factors)" in message


def test_data_of_one_octave(two_octave_run, tmp_path, capsys):
    run = shutil.copytree(two_octave_run, tmp_path / "run")
    record = (run / "config.yaml").read_text()
    assert "    - 4\n    - 5\n" in record
    (run / "config.yaml").write_text(record.replace("    - 4\n    - 5\n", "    - 4\n").replace("size: 40", "size: 8"))

    message = fails(capsys, "--run", run)

    assert "have in common 1 octave; take a run whose data have two or more" in message
    assert not (run / "figures").exists()


def test_run_of_another_model(ar_vae, capsys):
    message = fails(capsys, "--run", ar_vae("fit"))

    assert "BetaVAE has no global_latent, swap" in message
