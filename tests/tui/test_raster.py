import numpy as np
import pytest

from acceltui.tui.plot import raster
from acceltui.tui.plot.raster import Layer, Spans, draw


def spans_of(x, y, columns, stop=None):
    spans = Spans(0.0, float(stop or x[-1]), columns)
    spans.extend(np.asarray(x, float), np.asarray(y, float))
    return spans


def rows(layers, limits, width, height, kind="braille"):
    cells = draw(layers, limits, width, height, kind)
    return ["".join(map(chr, row)) for row in cells.code]


def test_a_nan_leaves_a_gap_and_nothing_is_drawn_across_it():
    spans = spans_of([0, 10, 20, 30, 40, 50], [1, 1, np.nan, np.nan, 1, 1], 50)
    present = np.isfinite(spans.low)
    assert present[:10].all() and present[41:].all()
    assert not present[11:40].any()


def test_one_extreme_value_among_many_survives_bucketing():
    y = np.zeros(20_000)
    y[12_345], y[7_777] = 100.0, -100.0
    spans = spans_of(np.arange(20_000), y, 200)
    assert spans.high.max() == 100.0 and spans.high.argmax() == 123
    assert spans.low.min() == -100.0 and spans.low.argmin() == 77


def test_sparse_points_are_joined_by_a_line():
    spans = spans_of([0, 100], [0, 10], 100)
    assert np.isfinite(spans.low).all()
    assert spans.low[50] == pytest.approx(5.0, abs=0.2)
    assert list(np.flatnonzero(spans.measured)) == [0, 99]


def test_points_taken_bit_by_bit_give_what_all_at_once_gives():
    random = np.random.default_rng(0)
    x = np.cumsum(random.integers(1, 9, 5000)).astype(float)
    y = np.where(random.random(5000) < 0.05, np.nan, random.normal(size=5000))
    whole, parts = spans_of(x, y, 160), Spans(0.0, x[-1], 160)
    for end in [1, 2, 3, 700, 701, 4000, 5000]:
        parts.extend(x[:end], y[:end])
    np.testing.assert_array_equal(whole.low, parts.low)
    np.testing.assert_array_equal(whole.high, parts.high)
    np.testing.assert_array_equal(whole.measured, parts.measured)


def test_points_beyond_the_range_are_left_out():
    spans = spans_of([0, 50, 150], [1, 1, 99], 10, stop=100)
    assert np.nanmax(spans.high) < 50.5


@pytest.mark.parametrize("kind, across, full", [("braille", 2, "⣿"), ("block", 2, "█"), ("ascii", 1, "*")])
def test_a_layer_over_the_whole_range_fills_every_cell(kind, across, full):
    layer = Layer(np.zeros(4 * across), np.ones(4 * across))
    assert rows([layer], (0, 1), 4, 3, kind) == [full * 4] * 3


def test_up_is_up():
    rising = Layer(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert rows([rising], (0, 1), 2, 1) == ["⣀⠉"]


def test_values_beyond_the_limits_stop_at_the_edge():
    layer = Layer(np.array([-5.0, 9.0]), np.array([-5.0, 9.0]))
    assert rows([layer], (0, 1), 1, 1) == ["⡈"]


def test_a_curve_takes_a_cell_from_a_band_but_shares_it_with_a_curve():
    low, high = np.zeros(2), np.ones(2)
    bottom, top = Layer(low, low), Layer(high, high)
    band = Layer(low, high, stipple=True)
    cells = draw([band, bottom], (0, 1), 1, 1, "braille")
    assert (chr(cells.code[0, 0]), cells.owner[0, 0]) == ("⣀", 1)
    assert rows([bottom, top], (0, 1), 1, 1) == ["⣉"]


def test_an_empty_plot_is_blank():
    nothing = Layer(np.full(8, np.nan), np.full(8, np.nan))
    cells = draw([nothing], (0, 1), 4, 2, "braille")
    assert (cells.code == ord(" ")).all() and (cells.owner == raster.NOBODY).all()
