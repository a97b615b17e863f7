"""What is drawn is read off the figure, and off its CSV."""

import csv
import importlib

import numpy as np
import pytest

from lightning_app.commands.disentangle import main

module = importlib.import_module("lightning_app.figures.curves")


@pytest.fixture
def run(tmp_path):
    """Writes a run's log."""

    def write(name, header, *lines):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text("\n".join([header, *lines]) + "\n")
        return folder

    return write


@pytest.fixture
def two(run):
    a = run("runs/a", "epoch,step,stage,val/loss,val/kl_z,val/dmig/depth,train/loss", "0,1,1,3.0,,0.5,3.5",
            "1,3,2,2.0,0.5,0.6,3.0", "2,5,2,1.0,0.25,0.7,2.5")  # fmt: skip
    b = run("runs/b", "epoch,step,val/loss,train/loss", "0,1,2.5,4.0", "1,3,1.5,3.0")
    return a, b


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn."""
    figures = []

    class Kept(module.Figure):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            figures.append(self)

    monkeypatch.setattr(module, "Figure", Kept)
    return figures


def lines_of(figure):
    panels = {axis.get_title(): axis for axis in figure.axes}
    return {
        title: [
            (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axis.lines if line.get_alpha() is None
        ]
        for title, axis in panels.items()
    }


def test_terms_of_validation_over_one_another(two, drawn):
    module.curves(two)

    assert lines_of(drawn[0]) == {
        "val/loss": [([0, 1, 2], [3.0, 2.0, 1.0]), ([0, 1], [2.5, 1.5])],
        "val/kl_z": [([1, 2], [0.5, 0.25])],
    }
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["a", "b"]


def test_second_stage_is_marked(two, drawn):
    module.curves(two)

    marks = [line for line in drawn[0].axes[0].lines if line.get_alpha() is not None]
    assert [line.get_xdata()[0] for line in marks] == [0.5]


def test_chosen_keys(two, drawn):
    module.curves(two, ["train/loss", "val/dmig/depth"])

    assert list(lines_of(drawn[0])) == ["train/loss", "val/dmig/depth"]


def test_numbers_lie_beside_the_figure(two, tmp_path, capsys):
    main(["curves", *map(str, two), "--keys", "[val/loss]"])

    assert {path.name for path in (tmp_path / "runs/figures").iterdir()} == {"curves.png", "curves.svg", "curves.csv"}
    with (tmp_path / "runs/figures/curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["epoch"], row["val/loss"]) for row in rows] == [
        *[("a", "0.0", "3.0"), ("a", "1.0", "2.0"), ("a", "2.0", "1.0"), ("b", "0.0", "2.5"), ("b", "1.0", "1.5")]
    ]


def test_one_run_keeps_its_figure(two):
    module.curves(two[:1])

    assert (two[0] / "figures/curves.png").read_bytes().startswith(b"\x89PNG")


def test_runs_of_one_name_are_told_by_their_folders(run, drawn):
    folders = [run(f"{parent}/mine", "epoch,step,val/loss", "0,1,2.0") for parent in ("x", "y")]

    module.curves(folders)

    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["x/mine", "y/mine"]


def test_many_runs_look_different(run, drawn):
    module.curves([run(f"r{number}", "epoch,step,val/loss", f"0,1,{number}") for number in range(20)])

    (panel,) = drawn[0].axes
    assert len({(line.get_color(), line.get_linestyle()) for line in panel.lines}) == 20
    np.testing.assert_array_equal([line.get_ydata()[0] for line in panel.lines], range(20))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{a}", "--keys", "[val/los]"], "no run has logged val/los. Did you mean val/loss?"),
        (["{a}", "nowhere"], "nothing is logged in nowhere/metrics.csv"),
        (["{a}", "{a}"], "is named twice; name each run once"),
    ],
)
def test_mistakes(two, capsys, words, message):
    with pytest.raises(SystemExit) as exit_:
        main(["curves", *(word.format(a=two[0]) for word in words)])

    assert exit_.value.code == 1
    assert message in capsys.readouterr().err
