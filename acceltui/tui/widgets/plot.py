"""A plot over training steps, drawn as characters on Textual's line API."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from acceltui.runs.wording import value
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import BANDS, CURVES, DIM, GRID, MARK, PLAIN
from acceltui.tui.series import History
from acceltui.tui.widgets import axes, raster
from acceltui.tui.widgets.canvas import Panel, Span, line

GUTTER = 7
"""Cells left of the curves, for labels of the y axis."""
MARKER_EVERY = 12
"""Cells between two markers of a curve, at least."""


@dataclass(frozen=True)
class Curve:
    """A metric to plot."""

    metric: str
    label: str
    deviation: str | None = None
    """Metric that holds its standard deviation, drawn as a band."""


@dataclass(frozen=True)
class VerticalMark:
    """A line through the plot at one step."""

    step: float
    label: str


@dataclass(frozen=True)
class _Key:
    """What kept spans are good for; when any of it changes they are made anew."""

    width: int
    stop: float
    version: int


class Plot(Panel):
    """Curves over a fixed range of steps, [0, stop]; each redraw looks at new points only."""

    def __init__(
        self, glyphs: Glyphs, title: str, curves: list[Curve], *, number: int, log_y: bool = False, id: str
    ) -> None:
        super().__init__(glyphs, title, number=number, id=id)
        self.curves = curves
        self.log_y = log_y
        self._history = History()
        self._stop = 1.0
        self._mark: VerticalMark | None = None
        self._note = ""
        self._limits = axes.Limits(anchor_zero=not log_y, room=0.05 if log_y else 0.12)
        self._key: _Key | None = None
        self._spans: list[raster.Spans] = []
        self._bands: dict[int, tuple[raster.Spans, raster.Spans]] = {}

    def show(self, history: History, stop: float, mark: VerticalMark | None = None, note: str = "") -> None:
        """Plot what `history` has now. `stop`: the last step of the x axis; `note` stands beside the title."""
        self._history, self._stop, self._mark, self._note = history, max(stop, 1.0), mark, note
        self.repaint()

    def beside_title(self) -> list[Span]:
        return [(self._note, DIM)] if self._note else []

    def remark(self) -> list[Span]:
        spans: list[Span] = []
        for index, curve in enumerate(self.curves):
            last = value(self._history.last(curve.metric))
            spans += [("   " if index else "", PLAIN), (self.glyphs.markers[index] + " ", CURVES[index])]
            spans += [(curve.label + " ", DIM), (last, PLAIN)]
        return spans

    def content(self, width: int, height: int) -> list[Strip]:
        columns = width - GUTTER
        if columns < 8:
            return [line([], width)] * height
        self._take(columns)
        limits = self._limits.follow(*self._extent())
        cells = raster.draw(self._layers(), limits, columns, height, self.glyphs.raster)
        characters, inks = self._on_paper(cells, limits, columns, height)
        labels = self._labels(limits, height)
        return [
            Strip([Segment(f"{labels.get(row, ''):>{GUTTER - 1}} ", DIM), *self._segments(characters[row], inks[row])])
            for row in range(height)
        ]

    def foot(self, width: int) -> list[Span]:
        """The bottom frame with labels of the x axis set into it."""
        frame, dash = self.frame_style, self.glyphs.horizontal
        columns = width - GUTTER
        step = axes.nice_step(self._stop, max(columns // 14, 2))
        spans: list[Span] = []
        used = 0
        for tick in axes.ticks(0, self._stop, max(columns // 14, 2)):
            text = axes.label(tick, step)
            begin = GUTTER + min(round(tick / self._stop * (columns - 1)), columns - 1) - len(text) // 2
            if begin > used and begin + len(text) < width:
                spans += [(dash * (begin - used), frame), (text, DIM)]
                used = begin + len(text)
        return [*spans, (dash * (width - used), frame)]

    def _take(self, columns: int) -> None:
        """Bring the spans up to the newest point."""
        across = raster.DOTS[self.glyphs.raster][0]
        key = _Key(columns * across, self._stop, self._history.version)
        if key != self._key:
            self._key = key
            self._spans = [self._new_spans() for _ in self.curves]
            self._bands = {
                index: (self._new_spans(), self._new_spans())
                for index, curve in enumerate(self.curves)
                if curve.deviation
            }
        for index, curve in enumerate(self.curves):
            steps, values = self._history.view(curve.metric)
            self._spans[index].extend(steps, values)
            if index in self._bands and curve.deviation:
                self._take_band(index, curve.deviation, steps, values)

    def _take_band(self, index: int, deviation: str, steps: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        at, spread = self._history.view(deviation)
        if not np.array_equal(at, steps):  # only where each mean has its deviation
            return
        below, above = self._bands[index]
        below.extend(steps, values - spread)
        above.extend(steps, values + spread)

    def _new_spans(self) -> raster.Spans:
        assert self._key is not None
        return raster.Spans(0.0, self._key.stop, self._key.width, axes.log10 if self.log_y else None)

    def _layers(self) -> list[raster.Layer]:
        bands = [raster.Layer(below.low, above.high, stipple=True) for below, above in self._bands.values()]
        if self.glyphs.raster == "ascii":  # one dot a cell: a band could not be told from a curve
            bands = [replace(band, low=np.full_like(band.low, np.nan)) for band in bands]
        return [*bands, *(raster.Layer(spans.low, spans.high) for spans in self._spans)]

    def _extent(self) -> tuple[float, float]:
        every = [*self._spans, *(spans for pair in self._bands.values() for spans in pair)]
        lows = np.concatenate([spans.low for spans in every])
        highs = np.concatenate([spans.high for spans in every])
        if not np.isfinite(lows).any():
            return math.nan, math.nan
        return float(np.nanmin(lows)), float(np.nanmax(highs))

    def _styles(self) -> list[Style]:
        """By ink: nothing, grid, vertical mark, then bands and curves in the order of the layers."""
        bands = [BANDS[index] for index in self._bands]
        return [PLAIN, GRID, MARK, *bands, *CURVES[: len(self.curves)]]

    def _on_paper(
        self, cells: raster.Cells, limits: tuple[float, float], columns: int, height: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Code points and inks, (height, columns), with grid, vertical mark and markers around the curves."""
        characters, inks = cells.code.copy(), np.where(cells.owner >= 0, cells.owner + 3, 0).astype(np.int32)
        self._draw_markers(characters, inks, limits, height)
        blank = inks == 0
        for row in self._labels(limits, height):
            at = np.flatnonzero(blank[row])
            at = at[at % 4 == 0]
            characters[row, at], inks[row, at] = ord(self.glyphs.grid), 1
        if self._mark is not None and 0 <= self._mark.step <= self._stop:
            self._draw_mark(self._mark, characters, inks, columns)
        return characters, inks

    def _draw_markers(
        self, characters: NDArray[np.int32], inks: NDArray[np.int32], limits: tuple[float, float], height: int
    ) -> None:
        across = raster.DOTS[self.glyphs.raster][0]
        for index, spans in enumerate(self._spans):
            ink, marker = 3 + len(self._bands) + index, ord(self.glyphs.markers[index])
            if self.glyphs.raster == "ascii":
                characters[inks == ink] = marker
                continue
            measured = np.flatnonzero(spans.measured)
            for column in raster.spread(measured, MARKER_EVERY * across):
                middle = (spans.low[column] + spans.high[column]) / 2
                row = raster.row_of(middle, limits, height, self.glyphs.raster)
                characters[row, column // across], inks[row, column // across] = marker, ink

    def _draw_mark(
        self, mark: VerticalMark, characters: NDArray[np.int32], inks: NDArray[np.int32], columns: int
    ) -> None:
        column = min(int(mark.step / self._stop * columns), columns - 1)
        free = inks[:, column] <= 1
        characters[free, column], inks[free, column] = ord(self.glyphs.mark), 2
        text = f" {mark.label} "
        begin = column + 1 if column + 1 + len(text) <= columns else column - len(text)
        row = next((row for row in range(len(inks)) if (inks[row, begin : begin + len(text)] <= 1).all()), None)
        if begin >= 0 and row is not None:
            characters[row, begin : begin + len(text)] = [ord(character) for character in text]
            inks[row, begin : begin + len(text)] = 2

    def _labels(self, limits: tuple[float, float], height: int) -> dict[int, str]:
        """Labels of the y axis by row."""
        bottom, top = limits
        parts = max(min(height // 2, 8), 1)
        kind = self.glyphs.raster
        if self.log_y:
            marks = {tick: axes.label(10**tick) for tick in axes.log_ticks(bottom, top, parts)}
        else:
            step = axes.nice_step(top - bottom, parts)
            marks = {tick: axes.label(tick, step) for tick in axes.ticks(bottom, top, parts)}
        return {raster.row_of(tick, limits, height, kind): text for tick, text in marks.items()}

    def _segments(self, characters: NDArray[np.int32], inks: NDArray[np.int32]) -> list[Segment]:
        """One row as runs of one style; blanks join the run before them, which saves a change of colour."""
        styles = self._styles()
        place = np.where(inks > 0, np.arange(len(inks)), 0)
        inks = inks[np.maximum.accumulate(place)]
        begins = np.flatnonzero(np.diff(inks, prepend=-1))
        text = characters.astype("<u4").tobytes().decode("utf-32-le")
        ends = [*begins[1:], len(text)]
        return [Segment(text[begin:end], styles[inks[begin]]) for begin, end in zip(begins, ends, strict=True)]
