"""Lines lie where their values are."""

import re

import numpy as np
import pytest

from lightning_app.report.line_chart import Line, line_chart


def points(path):
    return np.array([[float(number) for number in pair.split()] for pair in re.split("[ML]", path.d)[1:]])


def place_of(ticks, text):
    return next(tick.place for tick in ticks if tick.text == text)


def test_values_meet_the_ticks_of_their_numbers():
    chart = line_chart("loss", [Line("a", np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 3.0]), 0, False)], [2.5])

    (path,) = chart.paths
    for (x, y), epoch, value in zip(points(path), "123", "243", strict=True):
        assert x == place_of(chart.x_ticks, epoch)
        assert y == pytest.approx(place_of(chart.y_ticks, value), abs=0.11)
    assert chart.marks == [pytest.approx((points(path)[1, 0] + points(path)[2, 0]) / 2, abs=0.11)]
    assert not chart.logarithmic
    assert chart.description == "loss over epochs 1 to 3: a from 2 to 3."


def test_values_of_several_magnitudes_are_drawn_by_their_logarithms():
    chart = line_chart("loss", [Line("a", np.arange(3.0), np.array([100.0, 10.0, 1.0]), 0, False)])

    heights = points(chart.paths[0])[:, 1]
    assert chart.logarithmic
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.21)


def test_line_that_stands_still_and_line_of_one_epoch_can_be_drawn():
    still = Line("a", np.array([1.0, 2.0]), np.array([0.0, 0.0]), 0, False)
    one = Line("b", np.array([2.0]), np.array([0.0]), 1, True)

    chart = line_chart("kl v", [still, one])

    assert np.isfinite(points(chart.paths[0])).all()
    assert chart.paths[1].dashed


def test_mark_outside_the_epochs_is_left_out():
    assert line_chart("a", [Line("a", np.arange(3.0), np.arange(3.0), 0, False)], [7.5]).marks == []
