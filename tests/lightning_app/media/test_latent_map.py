"""How a map shows few classes, many, and numbers: read off its pixels."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread

from lightning_app.media.latent_map import save_latent_map

BLUE, GREY = (0x00, 0x72, 0xB2), (0xBB, 0xBB, 0xBB)


@pytest.fixture
def drawn(tmp_path):
    """Draws five points of each of some classes, and returns the picture."""

    def drawn(names, labels=True):
        of_points = np.repeat(np.arange(len(names)), 5)
        points = np.random.default_rng(0).normal(size=(len(of_points), 2))
        path = tmp_path / "map.png"
        save_latent_map(path, points, ("x", "y"), "v", of_points if labels else None, names, "class")
        return imread(path)[..., :3]

    return drawn


def share(picture, colour, part):
    """How much of a part of a picture, from and to a share of its width, has a colour."""
    start, end = (round(place * picture.shape[1]) for place in part)
    return (np.abs(picture[:, start:end] - np.array(colour) / 255) < 0.01).all(-1).mean()


def test_most_frequent_of_many_classes_have_colours_and_the_others_are_grey(drawn):
    few, many = drawn([f"c{n}" for n in range(21)]), drawn([f"c{n}" for n in range(40)])

    assert share(few, GREY, (0.1, 0.8)) < 2e-4 < 2e-3 < share(many, GREY, (0.1, 0.8))
    assert share(many, GREY, (0.85, 1)) > 0  # and named in the legend
    assert many.shape == few.shape


def test_many_numbers_are_shades(drawn):
    picture = drawn([str(number) for number in range(40, 60)])

    assert share(picture, BLUE, (0, 1)) == 0
    for value in (0.0, 1.0):
        assert share(picture, np.round(255 * np.array(colormaps["viridis"](value)[:3])), (0, 1)) > 0


def test_points_without_classes_have_one_colour_and_no_legend(drawn):
    picture = drawn(["a", "b"], labels=False)

    assert share(picture, BLUE, (0.1, 0.98)) > 0
    assert share(picture, (0xD5, 0x5E, 0x00), (0, 1)) == 0
