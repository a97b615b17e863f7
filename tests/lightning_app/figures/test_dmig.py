"""The figure of a run, and its command line."""

import csv
import importlib
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from lightning_app.commands.disentangle import main
from lightning_app.figures.dmig import dmig

METRICS = ("scc", "mig", "dmig")
CONFIG = """
data: {init_args: {attributes: [brightness, depth]}}
model:
  class_path: modules.BetaVAE
  init_args:
    attribute_names: [brightness, depth]
    regularized_dims: %s
"""


@pytest.fixture
def run(tmp_path):
    """Writes the record and the log of a run: the first epoch and the values of the columns."""

    def write(log=None, dims="[0, 1]", attributes=("brightness", "depth"), config=CONFIG):
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "config.yaml").write_text(config % dims if "%s" in config else config)
        keys = [f"val/{metric}/{name}" for name in attributes for metric in METRICS]
        if log is not None:
            first, rows = log
            with (folder / "metrics.csv").open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(["epoch", "step", "train/loss", *keys])
                for epoch, values in enumerate(rows, start=first):
                    table.writerow([epoch, 10 * epoch, 1.0, *[""] * len(keys)])
                    table.writerow([epoch, 10 * epoch + 9, "", *values])
        return folder

    return write


def values(start, n_epochs, n_columns=6):
    return [[start + 0.1 * epoch + 0.01 * column for column in range(n_columns)] for epoch in range(n_epochs)]


def table_of(folder):
    with (folder / "dmig.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, [[float(value) for value in row] for row in rows]


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["figure", *map(str, arguments)])
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def test_table_has_what_the_log_has(run, capsys):
    folder = run((0, values(0.0, 3)))

    dmig(folder)

    header, rows = table_of(folder / "figures")
    assert header == ["epoch", *[f"val/{metric}/{name}" for name in ("brightness", "depth") for metric in METRICS]]
    assert rows == [[float(epoch), *logged] for epoch, logged in enumerate(values(0.0, 3))]
    assert "3 epochs of brightness, depth" in capsys.readouterr().out


@pytest.mark.parametrize("n_epochs", [1, 2, 30])
def test_pictures_are_written(run, n_epochs):
    folder = run((0, values(0.0, n_epochs)))

    dmig(folder)

    pictures = folder / "figures"
    assert {path.name for path in pictures.iterdir()} == {"dmig.png", "dmig.svg", "dmig.csv"}
    assert (pictures / "dmig.png").read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(pictures / "dmig.svg").getroot().tag.endswith("svg")


def test_panels_are_those_of_the_paper(run, monkeypatch):
    """(a) SCC against MIG, (b) SCC against DMIG with a dotted line at 1, (c) DMIG against MIG; a point an epoch."""
    figures, module = [], importlib.import_module("lightning_app.figures.dmig")

    class Kept(module.Figure):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            figures.append(self)

    monkeypatch.setattr(module, "Figure", Kept)
    logged = values(0.0, 4)

    dmig(run((0, logged)))

    (figure,) = figures
    column = {f"{metric}/{name}": 3 * i + j for i, name in enumerate(("b", "d")) for j, metric in enumerate(METRICS)}
    panels = {axis.get_title(): axis for axis in figure.axes}
    for title, x, y in (("(a)", "mig", "scc"), ("(b)", "dmig", "scc"), ("(c)", "mig", "dmig")):
        axis = panels[title]
        assert (axis.get_xlabel(), axis.get_ylabel()) == (x.upper(), y.upper())
        for name, points in zip(("b", "d"), axis.collections, strict=True):
            expected = [[row[column[f"{x}/{name}"]], row[column[f"{y}/{name}"]]] for row in logged]
            np.testing.assert_allclose(points.get_offsets(), expected, rtol=1e-12)
        dotted = [line for line in axis.lines if line.get_linestyle() == ":"]
        assert [line.get_xdata()[0] for line in dotted] == ([1.0] if title == "(b)" else [])
    assert [text.get_text() for text in panels["(a)"].get_legend().get_texts()] == ["brightness", "depth"]


def test_output_may_lie_elsewhere(run, tmp_path):
    folder = run((0, values(0.0, 2)))

    dmig(folder, tmp_path / "paper" / "figures")

    assert (tmp_path / "paper" / "figures" / "dmig.svg").is_file()
    assert not (folder / "figures").exists()


@pytest.mark.parametrize(
    ("dims", "attributes"), [("[4]", ["brightness"]), ("null", ["brightness", "depth"]), ("[7, 0]", None)]
)
def test_attributes_are_those_that_the_run_regularises(run, dims, attributes):
    attributes = attributes or ["brightness", "depth"]
    folder = run((0, values(0.0, 2, 3 * len(attributes))), dims=dims, attributes=attributes)

    dmig(folder)

    header, _ = table_of(folder / "figures")
    assert list(dict.fromkeys(name.rsplit("/", 1)[-1] for name in header[1:])) == attributes


def test_record_may_refer_from_the_model_to_the_data(run):
    config = CONFIG.replace("attribute_names: [brightness, depth]", "attribute_names: ${...data.init_args.attributes}")
    folder = run((0, values(0.0, 2)), config=config)

    dmig(folder)

    assert len(table_of(folder / "figures")[0]) == 7


def test_command_line(run, tmp_path, capsys):
    folder = run((0, values(0.0, 2)))

    main(["figure", "dmig", "--run", str(folder)])
    main(["figure", "dmig", "--run", str(folder), "--output", str(tmp_path / "out")])

    assert (folder / "figures" / "dmig.png").is_file()
    assert (tmp_path / "out" / "dmig.csv").read_text() == (folder / "figures" / "dmig.csv").read_text()
    assert f"Wrote {tmp_path / 'out' / 'dmig.png'}" in capsys.readouterr().out


# What is refused


def test_folder_that_is_no_run(tmp_path, capsys):
    assert "nowhere; name the folder of a run" in fails(capsys, "dmig", "--run", tmp_path / "nowhere")


def test_run_without_a_log(run, capsys):
    folder = run()

    assert "nothing is logged in" in fails(capsys, "dmig", "--run", folder)
    assert not (folder / "figures").exists()


def test_run_that_logged_other_metrics(run, capsys):
    folder = run((0, values(0.0, 2, 3)), attributes=["brightness"])

    message = fails(capsys, "dmig", "--run", folder)

    assert "has no val/scc/depth, val/mig/depth, val/dmig/depth; it has" in message
    assert "val/scc/brightness" in message


@pytest.mark.parametrize(
    "config",
    [
        "data: {}\nmodel: {class_path: modules.DSAE, init_args: {v_dim: 16}}",
        "data: {}\nmodel: {class_path: modules.DSAE}",
        CONFIG % "[]",
        CONFIG.replace("[brightness, depth]", "[]") % "null",
    ],
    ids=["DSAE", "no settings", "no dimensions", "no attributes"],
)
def test_run_of_a_model_without_regularised_dimensions(run, capsys, config):
    folder = run((0, values(0.0, 2)), config=config)

    assert "config.yaml is not of a model with regularised dimensions" in fails(capsys, "dmig", "--run", folder)
    assert not (folder / "figures").exists()


@pytest.mark.parametrize(
    "config",
    [
        "model: [unclosed\n",
        "only words",
        "name: something",
        "",
        "- a\n- b",
        "data: {}\nmodel: {init_args: {attribute_names: '${...data.attributes}', regularized_dims: null}}",
    ],
    ids=["broken YAML", "no mapping", "no model", "empty", "a list", "broken reference"],
)
def test_record_that_is_no_configuration(run, capsys, config):
    folder = run((0, values(0.0, 2)), config=config)

    assert "config.yaml" in fails(capsys, "dmig", "--run", folder)


def test_run_that_is_a_file(run, capsys):
    folder = run((0, values(0.0, 2)))

    assert "config.yaml" in fails(capsys, "dmig", "--run", folder / "config.yaml")
