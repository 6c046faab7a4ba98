import math

import numpy as np
import pytest

from acceltui.tui.plot import axes


@pytest.mark.parametrize(
    "low, high, at_most, wanted",
    [
        (0, 150_000, 8, [0, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 140_000]),
        (0, 1, 4, [0, 0.25, 0.5, 0.75, 1.0]),
        (-3, 7, 5, [-2, 0, 2, 4, 6]),
        (5, 5, 4, [5]),
    ],
)
def test_ticks_are_round(low, high, at_most, wanted):
    assert axes.ticks(low, high, at_most) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "value, step, wanted",
    [
        (340_000, 20_000, "340k"),
        (1_250_000, 250_000, "1.25M"),
        (1_000_000, 250_000, "1.00M"),
        (2_000, 1_000, "2k"),
        (2_500, 2_500, "2.5k"),
        (-50, 25, "-50"),
        (0.02, 0.01, "0.02"),
        (1e-17, 0.5, "0"),
        (0.00001, None, "1e-05"),
        (0.1, None, "0.1"),
        (0.005, None, "0.005"),
        (1000, None, "1k"),
    ],
)
def test_labels_are_short(value, step, wanted):
    assert axes.label(value, step) == wanted


def test_neighbouring_labels_differ():
    for low, high in [(0, 1), (0.001, 0.0042), (99.5, 101), (0, 3_000_000), (1e-7, 9e-7)]:
        ticks = axes.ticks(low, high, 6)
        labels = [axes.label(tick, ticks[1] - ticks[0]) for tick in ticks]
        assert len(set(labels)) == len(labels), labels


def test_a_logarithm_of_what_has_none_is_a_gap():
    np.testing.assert_array_equal(
        axes.log10(np.array([100.0, 0.0, -1.0, np.nan, 0.1])), [2, np.nan, np.nan, np.nan, -1]
    )


def test_log_ticks_are_decades_or_their_halves():
    assert axes.log_ticks(-3, 2, 6) == pytest.approx([-3, -2, -1, 0, 1, 2])
    assert [round(10**tick, 3) for tick in axes.log_ticks(-1.2, -0.2, 6)] == [0.1, 0.2, 0.5]


def test_limits_hold_still_while_the_data_stay_inside():
    limits = axes.Limits()
    first = limits.follow(0, 100)
    assert first[0] <= 0 and first[1] >= 100
    assert [limits.follow(0, 100 + grow) for grow in (1, 3, 5)] == [first] * 3
    assert limits.follow(10, 70) == first


def test_limits_move_out_for_new_extremes_and_in_when_most_is_unused():
    limits = axes.Limits()
    _, top = limits.follow(0, 100)
    assert limits.follow(0, 1000)[1] >= 1000 > top
    assert limits.follow(0, 50)[1] < 100


def test_limits_of_a_constant_have_room_around_it():
    bottom, top = axes.Limits().follow(5, 5)
    assert bottom < 5 < top and math.isfinite(bottom)


def test_what_is_never_negative_keeps_its_zero():
    assert axes.Limits().follow(0.1, 10)[0] == 0
    assert axes.Limits(anchor_zero=False).follow(0.1, 10)[0] < 0
