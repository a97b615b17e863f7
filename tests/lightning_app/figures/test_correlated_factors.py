"""The figure of runs that were trained on correlated factors, and its command line."""

import csv
import importlib
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import yaml
from scipy.stats import ttest_1samp

from lightning_app.commands.disentangle import main
from lightning_app.evaluation.under_correlation import EncodedClips, scores_under_correlation
from lightning_app.figures.correlated_factors import correlated_factors
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder, Training

FACTORS = ("octave", "rhythm_bar1")
VALUES = {"octave": ("4", "5", "6"), "rhythm_bar1": ("a", "b", "c", "d", "e", "f")}
CORRELATION = {"factors": list(FACTORS), "strength": 0.0, "of": "training"}


def encodings(seed, spread, n_clips=400):
    """Of as many training clips, which are not to be counted, and validation clips."""
    generator = np.random.default_rng(seed)
    labels = {name: generator.integers(len(values), size=2 * n_clips) for name, values in VALUES.items()}
    attributes = np.stack([12.0 * labels["octave"], 0.5 * labels["rhythm_bar1"]], axis=1)
    latents = generator.standard_normal((2 * n_clips, 4))
    latents[:, 2] = labels["octave"] + spread * latents[:, 2]
    latents[:, 0] = labels["rhythm_bar1"] + spread * latents[:, 0]
    part = np.repeat([0, 1], n_clips)
    latents[part == 0] = 0
    names = {f"{name}_names": np.array(values) for name, values in VALUES.items()}
    return {"z_mean": latents, "attributes": attributes, "part": part, **labels, **names}


def write_run(
    runs, name, strength, seed, *, encoded=True, finished=True, correlation=CORRELATION, epochs=12, dims=True
):
    folder = RunFolder(runs / name)
    folder.path.mkdir(parents=True)
    chosen = None if correlation is None else correlation | {"strength": strength}
    config = {
        "seed_everything": seed,
        "trainer": {"max_epochs": epochs},
        "data": {"class_path": "datamodules.DMelodiesDataModule", "init_args": {"correlation": chosen}},
        "model": {"class_path": "modules.BetaVAE", "init_args": {"regularized_dims": [2, 0]}},
    }
    folder.config.write_text(yaml.safe_dump(config))
    if finished:
        folder.mark_trained(Training(epochs=epochs, steps=100, best_step=100))
    settings = {"regularized_dims": {"pitch": 2, "rest_bar1": 0}} if dims else {}
    EvaluationRecord("LatentEvaluation", {}, settings, 400, "best.ckpt", 11, 100).write(folder)
    if encoded:
        np.savez(folder.encodings(), **encodings(seed, 0.2 + strength))


@pytest.fixture
def runs(tmp_path):
    for number, strength in enumerate((0.0, 0.5, 0.8)):
        for seed in (0, 1, 2):
            write_run(tmp_path / "study", f"{number:04d}-{strength}-seed{seed}", strength, seed)
    return tmp_path / "study"


def table_of(folder):
    with (folder / "correlated_factors.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["figure", "correlated_factors", *map(str, arguments)])
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def test_table_has_every_run_at_every_strength(runs):
    correlated_factors(runs, n_draws=2)

    rows = table_of(runs / "figures")
    assert len(rows) == 9 * 3 * 2
    assert list(rows[0]) == [
        *["trained_at", "seed", "tested_at", "attribute", "mig", "dmig", "xmig", "scc", "mig_ceiling", "n_clips"]
    ]
    assert len({row["n_clips"] for row in rows if row["seed"] == "0"}) == 1
    written = encodings(1, 0.7)
    validation = written["part"] == 1
    clips = EncodedClips(
        written["z_mean"][validation],
        written["attributes"][validation],
        [2, 0],
        VALUES,
        {name: written[name][validation] for name in FACTORS},
    )
    expected = scores_under_correlation(clips, FACTORS, (0.0, 0.5, 0.8), 2)[0][0.8]
    for number, attribute in enumerate(("pitch", "rest_bar1")):
        chosen = {"trained_at": "0.5", "seed": "1", "tested_at": "0.8", "attribute": attribute}
        (row,) = [row for row in rows if chosen.items() <= row.items()]
        for score in ("mig", "dmig", "xmig", "scc", "mig_ceiling"):
            assert float(row[score]) == pytest.approx(expected[score][number])


def test_pictures_are_written_also_where_there_is_one_seed(tmp_path, capsys):
    for number, strength in enumerate((0.0, 0.5)):
        write_run(tmp_path / "study", str(number), strength, 0)

    main(
        ["figure", "correlated_factors", f"--runs={tmp_path / 'study'}", "--n_draws=1", f"--output={tmp_path / 'out'}"]
    )

    assert (tmp_path / "out" / "correlated_factors.png").read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(tmp_path / "out" / "correlated_factors.svg").getroot().tag.endswith("svg")
    assert "2 runs at strengths 0.0, 0.5" in capsys.readouterr().out


def test_lines_are_means_and_bars_intervals_over_seeds(runs, monkeypatch):
    figures, module = [], importlib.import_module("lightning_app.figures.correlated_factors")

    class Kept(module.Figure):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            figures.append(self)

    monkeypatch.setattr(module, "Figure", Kept)

    correlated_factors(runs, n_draws=1)

    (figure,) = figures
    rows = table_of(runs / "figures")
    panels = {axis.get_title(): axis for axis in figure.axes}
    assert set(panels) == {
        f"{score}, {of}" for score in ("MIG", "DMIG", "XMIG", "SCC") for of in ("pitch", "rest_bar1")
    }
    panel = panels["DMIG, rest_bar1"]
    pairs = {
        "trained at 0, tested at the strength": [("0.0", one) for one in ("0.0", "0.5", "0.8")],
        "trained and tested at the strength": [(one, one) for one in ("0.0", "0.5", "0.8")],
        "trained at the strength, tested at 0": [(one, "0.0") for one in ("0.0", "0.5", "0.8")],
    }
    drawn = {container.get_label(): container.lines for container in panel.containers}
    assert drawn.keys() == pairs.keys()
    for label, (line, _, (bars,)) in drawn.items():
        for position, (trained, tested) in enumerate(pairs[label]):
            chosen = {"trained_at": trained, "tested_at": tested, "attribute": "rest_bar1"}
            scores = [float(row["dmig"]) for row in rows if chosen.items() <= row.items()]
            assert len(scores) == 3
            assert line.get_xdata()[position] == pytest.approx((0.0, 0.5, 0.8)[position], abs=0.011)
            assert line.get_ydata()[position] == pytest.approx(np.mean(scores))
            interval = ttest_1samp(scores, 0).confidence_interval(0.95)
            assert bars.get_segments()[position][:, 1] == pytest.approx([interval.low, interval.high])


# What is refused


def test_folder_without_runs(tmp_path, capsys):
    assert "no runs in" in fails(capsys, "--runs", tmp_path / "nowhere")


def test_runs_that_are_not_finished(runs, capsys):
    write_run(runs, "0009", 0.8, 3, finished=False)

    assert "1 of 10 runs in" in (message := fails(capsys, "--runs", runs))
    assert "not finished, or not evaluated: 0009. The sweep goes on when it is given again" in message


def test_runs_without_encodings(runs, capsys):
    write_run(runs, "0009", 0.8, 3, encoded=False)

    message = fails(capsys, "--runs", runs)

    assert f"have no encodings: 0009. Make them, the first by `disentangle predict --run {runs / '0009'}`" in message
    assert not (runs / "figures").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 13}, "cannot be compared: their max_epochs are 12 and 13"),
        (
            {"correlation": CORRELATION | {"factors": ["octave", "arp_chord1"]}},
            "encodings.npz is not of these models and data: arp_chord1_names is not",
        ),
        ({"correlation": None}, "has no data.correlation; its strength may be 0"),
        ({"correlation": CORRELATION | {"of": "all"}}, "are correlated, and independent ones are needed; train with"),
        ({"dims": False}, "is not of a model with regularised dimensions"),
    ],
)
def test_runs_that_cannot_be_compared(runs, capsys, options, message):
    write_run(runs, "0009", 0.8, 3, **options)

    said = fails(capsys, "--runs", runs)

    assert message in said
    assert "0009" in said
