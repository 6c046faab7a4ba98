"""Curves as characters: numpy in, cells out. Knows nothing of Textual and nothing of runs.

A curve passes through three forms. *Points* (x ascending, y with NaN where there is a gap) become *spans*, the lowest
and highest value of the curve in each dot column; spans become *dots*, a mask of (rows of dots, columns of dots); dots
of all layers become *cells*, one character and the layer it belongs to. Spans are kept and extended with new points
only, so a redraw costs what its width costs, however long the run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DOTS = {"braille": (2, 4), "block": (2, 2), "ascii": (1, 1)}
"""Dots a cell, (columns, rows)."""

_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLOCK_BITS = np.array([[1, 2], [4, 8]])
_BLOCKS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
NOBODY = -1
"""Owner of a cell with no dot."""


class Spans:
    """Lowest and highest value of one curve in each of `columns` equal parts of [start, stop]; NaN where it has none.

    Between two points the curve is a straight line, so columns without a point of their own are filled; next to a NaN
    there is no line.
    """

    def __init__(
        self, start: float, stop: float, columns: int, scale: Callable[[Floats], Floats] | None = None
    ) -> None:
        """`scale` is applied to the values: the logarithm, for one."""
        self.scale = scale
        self.edges = np.linspace(start, stop, columns + 1)
        self.low: Floats = np.full(columns, np.nan)
        self.high: Floats = np.full(columns, np.nan)
        self.measured = np.zeros(columns, dtype=bool)
        """Columns that hold a point, not only a line between points."""
        self._taken = 0

    def extend(self, x: Floats, y: Floats) -> None:
        """Take the points after those already taken; `x` (ascending) and `y` are the whole curve, of one length."""
        first = max(self._taken - 1, 0)  # the line from the last point taken to the first new one
        if len(x) <= self._taken:
            return
        self._taken = len(x)
        x, y = x[first:], y[first:]
        y = self.scale(y) if self.scale else y
        self._take_points(x, y)
        self._take_crossings(x, y)

    def _take_points(self, x: Floats, y: Floats) -> None:
        inside = (x >= self.edges[0]) & (x <= self.edges[-1])
        x, y = x[inside], y[inside]
        if not len(x):
            return
        column = np.minimum(np.searchsorted(self.edges, x, side="right") - 1, len(self.low) - 1)
        begins = np.flatnonzero(np.diff(column, prepend=-1))
        column = column[begins]
        self._widen(column, np.fmin.reduceat(y, begins), np.fmax.reduceat(y, begins))
        self.measured[column] |= np.logical_or.reduceat(np.isfinite(y), begins)

    def _take_crossings(self, x: Floats, y: Floats) -> None:
        """Widen both neighbours of each inner edge that the curve crosses to its height there."""
        edge = np.arange(1, len(self.edges) - 1)
        at = self.edges[1:-1]
        crossed = (at > x[0]) & (at <= x[-1])
        edge, at = edge[crossed], at[crossed]
        right = np.searchsorted(x, at, side="left")
        left = right - 1
        share = (at - x[left]) / (x[right] - x[left])
        height = y[left] + share * (y[right] - y[left])
        self._widen(edge - 1, height, height)
        self._widen(edge, height, height)

    def _widen(self, column: NDArray[np.intp], low: Floats, high: Floats) -> None:
        self.low[column] = np.fmin(self.low[column], low)
        self.high[column] = np.fmax(self.high[column], high)


@dataclass(frozen=True)
class Layer:
    """One thing to draw: the area between `low` and `high` (one value a dot column, NaN for nothing)."""

    low: Floats
    high: Floats
    stipple: bool = False
    """Only every few dots: a band behind a curve."""


@dataclass(frozen=True)
class Cells:
    """A drawn raster, both of shape (height, width) in cells."""

    code: NDArray[np.int32]
    """Unicode code point; a space where there is nothing."""
    owner: NDArray[np.int32]
    """Index of the layer the cell belongs to, `NOBODY` for none."""


def draw(layers: Sequence[Layer], limits: tuple[float, float], width: int, height: int, kind: str) -> Cells:
    """Draw `layers`, the last in front, between the y `limits` (bottom, top) on `width` x `height` cells of `kind`."""
    across, down = DOTS[kind]
    bits = np.zeros((height, width), dtype=np.int32)
    owner = np.full((height, width), NOBODY, dtype=np.int32)
    for index, layer in enumerate(layers):
        dots = _dots(layer, limits, width * across, height * down)
        cell_dots = dots.reshape(height, down, width, across)
        weights = {"braille": _BRAILLE_BITS, "block": _BLOCK_BITS, "ascii": np.ones((1, 1), dtype=int)}[kind]
        mine = np.einsum("hdwa,da->hw", cell_dots, weights).astype(np.int32)
        touched = mine > 0
        # A curve shares a cell with the curve behind it, but takes it over from a band.
        behind_is_band = np.isin(owner, [i for i in range(index) if layers[i].stipple])
        bits = np.where(touched & behind_is_band & (not layer.stipple), 0, bits) | mine
        owner[touched] = index
    return Cells(_codes(bits, kind), owner)


def _dots(layer: Layer, limits: tuple[float, float], columns: int, rows: int) -> NDArray[np.bool_]:
    """Mask of (rows, columns); row 0 is the top. Values beyond the limits stop at the edge."""
    bottom, top = limits
    scale = (rows - 1) / (top - bottom) if top > bottom else 0.0
    present = np.isfinite(layer.low) & np.isfinite(layer.high)
    with np.errstate(invalid="ignore", over="ignore"):
        upper = np.clip(np.rint((top - np.where(present, layer.high, bottom)) * scale), 0, rows - 1)
        lower = np.clip(np.rint((top - np.where(present, layer.low, bottom)) * scale), 0, rows - 1)
    row = np.arange(rows)[:, None]
    dots = present & (row >= upper) & (row <= lower)
    if layer.stipple:
        column = np.arange(columns)[None, :]
        dots &= (column % 2 == 0) & ((row + column // 2) % 2 == 0)
    return dots


def _codes(bits: NDArray[np.int32], kind: str) -> NDArray[np.int32]:
    match kind:
        case "braille":
            return np.where(bits > 0, 0x2800 + bits, ord(" ")).astype(np.int32)
        case "block":
            return np.array([ord(block) for block in _BLOCKS], dtype=np.int32)[bits]
        case _:
            return np.where(bits > 0, ord("*"), ord(" ")).astype(np.int32)


def row_of(value: float, limits: tuple[float, float], height: int, kind: str) -> int:
    """The row of cells (0 is the top) in which `value` is drawn, as `draw` places it."""
    bottom, top = limits
    rows = height * DOTS[kind][1]
    dot = 0 if top <= bottom else round((top - value) * (rows - 1) / (top - bottom))
    return min(max(dot, 0), rows - 1) // DOTS[kind][1]


def spread(columns: Sequence[int] | NDArray[np.intp], apart: int) -> list[int]:
    """From the left, those of the ascending `columns` that are at least `apart` after the one before."""
    chosen: list[int] = []
    for column in columns:
        if not chosen or column - chosen[-1] >= apart:
            chosen.append(int(column))
    return chosen
