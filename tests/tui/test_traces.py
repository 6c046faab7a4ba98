"""Curves in columns: what is kept equals what would be drawn anew, however the points came in."""

import math

import numpy as np
import pytest

from acceltui.tui.plot.look import Look
from acceltui.tui.plot.traces import Curve, Empty, Frame, Smoothing, Traces, nearest


class Growing:
    """A source of which only so many points are there yet."""

    version = 0

    def __init__(self, x, y):
        self.x, self.y, self.size = x, y, 0

    def view(self, name):
        """All series are alike; a deviation is a tenth."""
        y = self.y if name == "mean" else np.abs(self.y) / 10
        return self.x[: self.size], y[: self.size]


CURVES = [Curve("mean", "mean", deviation="std")]


@pytest.fixture
def source():
    random = np.random.default_rng(0)
    y = random.normal(size=500).cumsum()
    y[100:110] = np.nan
    return Growing(np.sort(random.uniform(0, 1000, 500)), y)


@pytest.mark.parametrize("window", [(0.0, 1000.0), (200.0, 320.0)])
@pytest.mark.parametrize("smoothing", [0.0, 0.9])
@pytest.mark.parametrize("log_y", [False, True])
def test_points_that_come_one_by_one_are_drawn_as_all_at_once(source, window, smoothing, log_y):
    frame = Frame(window, 80, log_y, smoothing, 0)
    bit_by_bit, at_once = Traces(CURVES), Traces(CURVES)
    for source.size in (0, 1, 2, 105, 106, 300, 500):
        bit_by_bit.take(source, frame)
    at_once.take(source, frame)
    for one, other in zip(bit_by_bit.traces, at_once.traces, strict=True):
        pairs = [(one.spans, other.spans), *zip(one.band or (), other.band or (), strict=True)]
        pairs += [(one.raw, other.raw)] if smoothing else []
        for spans, same in pairs:
            np.testing.assert_allclose(spans.low, same.low)
            np.testing.assert_allclose(spans.high, same.high)
    np.testing.assert_allclose(bit_by_bit.extent(), at_once.extent())


def test_smoothing_is_the_weighted_mean_of_what_came_before(source):
    y, weight = source.y[:40], 0.8
    weights = weight ** np.arange(40)
    expected = [(weights[: n + 1][::-1] * y[: n + 1]).sum() / weights[: n + 1].sum() for n in range(40)]
    np.testing.assert_allclose(Smoothing(weight).extend(y), expected)


def test_a_gap_stays_a_gap_and_leaves_the_average_as_it_was():
    average = Smoothing(0.5).extend(np.array([1.0, math.nan, 1.0, 4.0]))
    assert math.isnan(average[1]) and average[2] == 1.0 and 1.0 < average[3] < 4.0


def test_the_nearest_measured_point_is_read():
    x, y = np.array([0.0, 10.0, 20.0, 30.0]), np.array([1.0, 2.0, math.nan, 4.0])
    assert nearest(x, y, 14.0) == (10.0, 2.0)
    assert nearest(x, y, 21.0) == (30.0, 4.0)
    assert nearest(x, y, math.inf) == (30.0, 4.0)
    assert nearest(x, y, -5.0) == (0.0, 1.0)
    assert nearest(*Empty().view("any"), 3.0) is None


def test_zooming_keeps_what_is_under_the_mouse_and_ends_at_the_whole():
    look = Look(stop=1000.0).zoom(0.5, around=200.0)
    assert look.shown == (100.0, 600.0)
    assert look.zoom(0.5, around=200.0).shown == (150.0, 400.0)
    assert look.pan(0.5).shown == (350.0, 850.0)
    assert look.pan(-5).shown == (0.0, 500.0) and look.pan(5).shown == (500.0, 1000.0)
    assert look.zoom(4, around=200.0).window is None
