"""The three files of a figure."""

import csv
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.figure import Figure

from lightning_app.figures.saving import save_figure


def test_picture_and_its_numbers(tmp_path, capsys):
    save_figure(
        Figure(), tmp_path / "new" / "f1_v1.5", {"name": ["a, b", "c"], "value": [0.1 + 0.2, 1e-30]}, "two rows"
    )

    folder = tmp_path / "new"
    assert capsys.readouterr().out == f"Wrote {folder / 'f1_v1.5'}.png, .svg and .csv: two rows.\n"
    assert {path.name for path in folder.iterdir()} == {"f1_v1.5.png", "f1_v1.5.svg", "f1_v1.5.csv"}
    assert (folder / "f1_v1.5.png").read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(folder / "f1_v1.5.svg").getroot().tag.endswith("svg")
    with (folder / "f1_v1.5.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["name", "value"]
    assert [(name, float(value)) for name, value in rows] == [("a, b", 0.1 + 0.2), ("c", 1e-30)]


def test_columns_of_different_lengths_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        save_figure(Figure(), tmp_path / "figure", {"a": [1, 2], "b": [1]}, "nothing")

    assert not (tmp_path / "figure.csv").exists()
