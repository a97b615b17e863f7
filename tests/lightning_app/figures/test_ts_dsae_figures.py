"""Figures 3 to 6 of the TS-DSAE paper, from the files of runs."""

import csv
import importlib
from statistics import mean, stdev

import numpy as np
import pytest
from scipy.stats import t as student

from lightning_app.commands.disentangle import main

FAD = ["swap_f1/global_swap", "fad/crepe-full", "fad/crepe-full/n_real", "fad/crepe-full/n_generated"]
FIGURES = {
    "swap_f1": ("swap_f1", ["swap_f1/pre_swap", "swap_f1/global_swap", "swap_f1/local_swap"]),
    "fad": ("fad_crepe-full", FAD),
    "rpa": ("rpa", ["rpa/pre_swap", "rpa/global_swap", "rpa/local_swap"]),
    "richer_decoder": ("richer_decoder_crepe-full", FAD),
}
LABELS = {"plain": "Plain model", "better": "Better model"}
COLOURS = {"plain": "#777777", "better": "#cc0000"}


@pytest.fixture
def draw(results, monkeypatch):
    """Draws a figure by the command line, and returns what was drawn."""
    drawn = []

    def run(name, *options):
        module = importlib.import_module("lightning_app.figures." + {"richer_decoder": "fad"}.get(name, name))
        save = module.save_figure

        def kept(figure, *arguments):
            drawn.append(figure)
            save(figure, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(module, "save_figure", kept)
            main(["figure", name, *results.arguments, *options])
        return drawn.pop()

    return run


def lines_of(panel, label):
    return [line for line in panel.lines if line.get_label() == label]


def scores_of(results, score, **which):
    return [
        scores[score]
        for run, scores in results.scores.items()
        if all(getattr(run, key) == value for key, value in which.items())
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_pictures_and_table_are_written(results, draw, name):
    stem, scores = FIGURES[name]

    draw(name)

    folder = results.folder / "figures"
    assert {path.name for path in folder.iterdir()} == {f"{stem}_melodies.{ending}" for ending in ("png", "svg", "csv")}
    with (folder / f"{stem}_melodies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["model", "data", "z_dim", "posterior", "seed", "max_epochs"]
    assert list(rows[0])[-len(scores) :] == scores
    assert ("n_audio_clips" in rows[0]) == (name != "swap_f1")
    assert ("rpa_model" in rows[0]) == (name == "rpa")
    named = {f"{row['model']}-{row['data']}-z{row['z_dim']}-{row['posterior']}-seed{row['seed']}": row for row in rows}
    assert len(rows) == len(named) == 24
    for run, expected in results.scores.items():
        assert {score: float(named[run.name][score]) for score in scores} == {
            score: expected[score] for score in scores
        }


@pytest.mark.parametrize(
    ("name", "vertical"),
    [("swap_f1", "swap_f1/local_swap"), ("fad", "fad/crepe-full"), ("richer_decoder", "fad/crepe-full")],
)
def test_score_against_f1_after_the_global_swap(results, draw, name, vertical):
    figure = draw(name)

    assert [panel.get_title() for panel in figure.axes] == ["Some melodies, z_dim 2", "Some melodies, z_dim 4"]
    for panel, z_dim in zip(figure.axes, (2, 4), strict=True):
        shifts = set()
        for model, label in LABELS.items():
            for posterior, marker in (("factorised", "o"), ("full", "s")):
                which = {"model": model, "posterior": posterior, "z_dim": z_dim}
                (markers,) = lines_of(panel, f"{label}, {posterior} q")
                assert (markers.get_marker(), markers.get_color()) == (marker, COLOURS[model])
                np.testing.assert_allclose(markers.get_ydata(), scores_of(results, vertical, **which), rtol=1e-12)
                moved = markers.get_xdata() - np.array(scores_of(results, "swap_f1/global_swap", **which))
                np.testing.assert_allclose(moved, moved[0], atol=1e-12)
                shifts.add((model, round(moved[0], 6)))
        assert len(shifts) == 2  # each model has its own
        assert sum(shift for _, shift in shifts) == 0
        assert f"by {max(shift for _, shift in shifts):.2g} at most" in figure.get_supxlabel()


def test_axes_of_f1_have_room_for_perfect_scores(draw):
    (panel, _) = draw("swap_f1").axes

    for low, high in (panel.get_xlim(), panel.get_ylim()):
        assert -0.2 < low < -0.05
        assert 1.05 < high < 1.2
    assert panel.get_xlabel() == "macro F1 after the global swap"
    assert panel.get_ylabel() == "macro F1 after the local swap"


def test_pitch_accuracy_over_z_dim(results, draw):
    figure = draw("rpa")

    titles = [f"Some melodies, {step}" for step in ("before the swap", "after the global swap", "after the local swap")]
    assert [panel.get_title() for panel in figure.axes] == titles
    for panel, step in zip(figure.axes, ("pre_swap", "global_swap", "local_swap"), strict=True):
        assert [text.get_text() for text in panel.get_xticklabels()] == ["2", "4"]
        places = set()
        for model, label in LABELS.items():
            for posterior in ("factorised", "full"):
                means, *points = lines_of(panel, f"{label}, {posterior} q")
                assert {line.get_color() for line in (means, *points)} == {COLOURS[model]}
                values = [
                    scores_of(results, f"rpa/{step}", model=model, posterior=posterior, z_dim=z_dim) for z_dim in (2, 4)
                ]
                np.testing.assert_allclose(means.get_ydata(), [mean(of_z_dim) for of_z_dim in values], rtol=1e-12)
                for place, line, expected in zip(means.get_xdata(), points, values, strict=True):
                    assert list(line.get_ydata()) == expected
                    assert set(line.get_xdata()) == {place}
                    places.add(place)
                np.testing.assert_allclose(means.get_xdata(), [0, 1], atol=0.5)
        assert len(places) == 8


def test_evidence_over_z_dim_has_intervals_over_seeds(results, draw):
    figure = draw("evidence")

    panel = next(panel for panel in figure.axes if panel.get_title() == "nearness to the true global swap")
    for model, label in LABELS.items():
        (bars,) = (bars for bars in panel.containers if bars.get_label() == label)
        means, _, (segments,) = bars.lines
        for place, (mean_of, z_dim) in enumerate(zip(means.get_ydata(), (2, 4), strict=True)):
            values = scores_of(results, "counterfactual/global_swap", model=model, z_dim=z_dim)
            assert mean_of == pytest.approx(mean(values), rel=1e-12)
            low, high = student.interval(0.95, len(values) - 1, mean(values), stdev(values) / np.sqrt(len(values)))
            assert segments.get_segments()[place][:, 1] == pytest.approx([low, high])
    with (results.folder / "figures" / "evidence_melodies.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 24


@pytest.mark.parametrize("name", FIGURES)
def test_legend_lies_beside_the_panels(draw, name):
    figure = draw(name, "--z_dims", "[4]", "--posteriors", "[full]")

    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Plain model", "Better model", "full q"]
    figure.draw_without_rendering()
    right = max(panel.get_tightbbox().x1 for panel in figure.axes)
    assert legend.get_window_extent().x0 >= right
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_output_may_lie_elsewhere(results, draw, tmp_path):
    draw("fad", "--output", str(tmp_path / "paper"))

    assert (tmp_path / "paper" / "fad_crepe-full_melodies.svg").is_file()
    assert not (results.folder / "figures").exists()


def test_another_embedding(results, draw):
    for run, scores in results.scores.items():
        scores |= {f"fad/vggish{part}": 3 * scores[f"fad/crepe-full{part}"] for part in ("", "/n_real", "/n_generated")}
        results.write(run)

    figure = draw("fad", "--embedding", "vggish")

    assert "vggish" in figure.axes[0].get_ylabel()
    assert (results.folder / "figures" / "fad_vggish_melodies.csv").is_file()


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_drawn_of_unfinished_runs(results, capsys, name):
    (results.folder / results.runs[7].name / "evaluation.json").unlink()

    with pytest.raises(SystemExit) as exit_:
        main(["figure", name, *results.arguments])

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: 1 of 24 runs are not in")
    assert results.runs[7].name in message
    assert f"disentangle experiment --figure={name} --data=melodies" in message
    assert not (results.folder / "figures").exists()
