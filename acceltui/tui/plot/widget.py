"""The plot as a widget, on Textual's line API."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import BANDS, CURVES, DIM, GRID, KEY, MARK, PLAIN
from acceltui.tui.plot import axes, raster
from acceltui.tui.plot.legend import fits, joined, wrapped
from acceltui.tui.plot.look import Look, VerticalMark, View
from acceltui.tui.plot.traces import Empty, Frame, Source, Traces, nearest
from acceltui.tui.widgets.canvas import Panel, Span, line

GUTTER = 7
"""Cells left of the curves, for labels of the y axis."""
MARKER_EVERY = 12
"""Cells between two markers of a curve, at least."""
NOTHING = " nothing measured here "
GRID_INK, MARK_INK, CROSS_INK, LAYER_INK = 1, 2, 3, 4
"""Inks of a cell; 0 is none, and layers take theirs in order."""


class Plot(Panel):
    """Curves over a common x axis; each redraw looks at new points only."""

    class Pointed(Message):
        """The mouse points at this x; None when it has left."""

        def __init__(self, x: float | None) -> None:
            super().__init__()
            self.x = x

    class Turned(Message):
        """The wheel asks for more or less of the axis, the x under the mouse to stay."""

        def __init__(self, factor: float, around: float) -> None:
            super().__init__()
            self.factor, self.around = factor, around

    class Dragged(Message):
        """The curves were taken by the mouse and moved by a share of their width."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(
        self,
        glyphs: Glyphs,
        views: Sequence[View],
        *,
        read: Callable[[float], str] = axes.label,
        number: int | None = None,
        id: str,
    ) -> None:
        """`views`: at least one; `read`: a value of a curve as it stands in the legend."""
        super().__init__(glyphs, views[0].title, number=number, id=id)
        self.views = views
        self.read = read
        self.look = Look()
        self._source: Source = Empty()
        self._marks: Sequence[VerticalMark] = ()
        self._notes: Sequence[str] = ()
        self._choose(views[0])

    def _choose(self, view: View) -> None:
        self.shown = view
        self.title = view.title
        self.log_y = view.log_y
        self._traces = Traces(view.curves)
        self._limits = self._new_limits()

    def next_view(self, source: Source) -> None:
        """Show other curves: those of the next view that has any points in `source`."""
        titles = [view.title for view in self.views]
        at = self.views.index(self.shown) if self.shown in self.views else titles.index(self.shown.title)
        others = (*self.views[at + 1 :], *self.views[:at])
        filled = (view for view in others if any(len(source.view(curve.metric)[0]) for curve in view.curves))
        self._choose(next(filled, self.shown))

    def show(self, source: Source, look: Look, marks: Sequence[VerticalMark] = (), notes: Sequence[str] = ()) -> None:
        """Plot what `source` has now; `notes` stand beside the title, the most wanted last."""
        if (look.window, look.smoothing, look.seconds) != (self.look.window, self.look.smoothing, self.look.seconds):
            self._limits = self._new_limits()
        self._source, self.look, self._marks, self._notes = source, look, marks, notes
        self.repaint()

    def turn_log(self) -> None:
        """Make the y axis logarithmic, or linear again."""
        self.log_y = not self.log_y
        self._limits = self._new_limits()
        self.repaint()

    @property
    def cell(self) -> float:
        """How much of the x axis one cell is."""
        first, last = self.look.shown
        return (last - first) / max(self.size.width - 2 - GUTTER, 1)

    def _new_limits(self) -> axes.Limits:
        return axes.Limits(anchor_zero=not self.log_y, room=0.05 if self.log_y else 0.12)

    def beside_title(self) -> list[list[Span]]:
        said: list[list[Span]] = [[("log", DIM)]] if self.log_y else []
        if self.look.smoothing:
            said.append([(f"smoothed {self.look.smoothing:g}", DIM)])
        if self.look.at is not None:
            unit = self.look.unit
            digits = 10.0 ** math.floor(math.log10(self.cell / unit.size))
            x = axes.label(self.look.at / unit.size, digits) + unit.suffix
            return [*said, [("at ", DIM), (x, KEY)]]
        return [*said, *([(note, DIM)] for note in self._notes)]

    def remark(self) -> list[Span]:
        """The legend, unless it is above the curves."""
        legend = self.legend()
        return joined(legend) if fits(legend, self.title, self.size.width) else []

    def legend(self) -> list[list[Span]]:
        """Of each curve the newest value, or that at the crosshair."""
        entries: list[list[Span]] = []
        for index, curve in enumerate(self.shown.curves):
            x, y = self._source.view(curve.metric)
            point = nearest(x, y, math.inf if self.look.at is None else self.look.at)
            mark = (self.glyphs.markers[index] + " ", CURVES[index])
            entries.append([mark, (curve.label + " ", DIM), (self.read(point[1]) if point else "-", PLAIN)])
        return entries

    def content(self, width: int, height: int) -> list[Strip]:
        legend = self.legend()
        above = [] if fits(legend, self.title, self.size.width) else wrapped(legend, width, height // 2)
        return [*above, *self._drawing(width, height - len(above))]

    def _drawing(self, width: int, height: int) -> list[Strip]:
        columns = width - GUTTER
        if columns < 8:
            return [line([], width)] * height
        across = raster.DOTS[self.glyphs.raster][0]
        frame = Frame(self.look.shown, columns * across, self.log_y, self.look.smoothing, self._source.version)
        self._traces.take(self._source, frame)
        limits = self._limits.follow(*self._traces.extent())
        layers, styles = self._layers()
        cells = raster.draw(layers, limits, columns, height, self.glyphs.raster)
        labels = self._labels(limits, height)
        characters, inks = self._on_paper(cells, limits, list(labels))
        if not (cells.owner >= 0).any():
            write(NOTHING, characters, inks, height // 2, (columns - len(NOTHING)) // 2)
        styles = [PLAIN, GRID, MARK, KEY, *styles]
        return [
            Strip(
                [
                    Segment(f"{labels.get(row, ''):>{GUTTER - 1}} ", DIM),
                    *_segments(characters[row], inks[row], styles),
                ]
            )
            for row in range(height)
        ]

    def foot(self, width: int) -> list[Span]:
        """The bottom frame with labels of the x axis set into it."""
        frame, dash = self.frame_style, self.glyphs.horizontal
        columns = width - GUTTER
        unit, (first, last) = self.look.unit, self.look.shown
        parts = max(columns // 14, 2)
        step = axes.nice_step((last - first) / unit.size, parts)
        spans: list[Span] = []
        used = 0
        for tick in axes.ticks(first / unit.size, last / unit.size, parts):
            text = axes.label(tick, step) + (unit.suffix if tick else "")
            share = (tick * unit.size - first) / (last - first)
            begin = GUTTER + min(round(share * (columns - 1)), columns - 1) - len(text) // 2
            if begin > used and begin + len(text) < width:
                spans += [(dash * (begin - used), frame), (text, DIM)]
                used = begin + len(text)
        return [*spans, (dash * (width - used), frame)]

    def _layers(self) -> tuple[list[raster.Layer], list[Style]]:
        """What is drawn from back to front, and how: bands, what was smoothed, curves."""
        layers: list[tuple[raster.Layer, Style]] = []
        if self.glyphs.raster != "ascii":  # one dot a cell: a band could not be told from a curve
            for index, trace in enumerate(self._traces.traces):
                if trace.band:
                    band = raster.Layer(trace.band[0].low, trace.band[1].high, stipple=True)
                    layers.append((band, BANDS[index]))
                if trace.raw:
                    layers.append((raster.Layer(trace.raw.low, trace.raw.high), BANDS[index]))
        for index, trace in enumerate(self._traces.traces):
            layers.append((raster.Layer(trace.spans.low, trace.spans.high), CURVES[index]))
        return [layer for layer, _ in layers], [style for _, style in layers]

    def _on_paper(
        self, cells: raster.Cells, limits: tuple[float, float], grid: Sequence[int]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Code points and inks, (height, columns), with grid, marks, crosshair and markers around the curves."""
        characters = cells.code.copy()
        inks = np.where(cells.owner >= 0, cells.owner + LAYER_INK, 0).astype(np.int32)
        self._draw_markers(characters, inks, limits)
        for row in grid:
            at = np.flatnonzero(inks[row] == 0)
            at = at[at % 4 == 0]
            characters[row, at], inks[row, at] = ord(self.glyphs.grid), GRID_INK
        for mark in self._marks:
            self._draw_mark(mark, characters, inks)
        if self.look.at is not None and (column := self._column(self.look.at, inks.shape[1])) is not None:
            free = inks[:, column] <= MARK_INK
            characters[free, column], inks[free, column] = ord(self.glyphs.vertical), CROSS_INK
        return characters, inks

    def _draw_markers(
        self, characters: NDArray[np.int32], inks: NDArray[np.int32], limits: tuple[float, float]
    ) -> None:
        across = raster.DOTS[self.glyphs.raster][0]
        first = LAYER_INK + len(self._layers()[0]) - len(self.shown.curves)
        for index, trace in enumerate(self._traces.traces):
            ink, marker = first + index, ord(self.glyphs.markers[index])
            if self.glyphs.raster == "ascii":
                characters[inks == ink] = marker
                continue
            for column in raster.spread(np.flatnonzero(trace.spans.measured), MARKER_EVERY * across):
                middle = (trace.spans.low[column] + trace.spans.high[column]) / 2
                row = raster.row_of(middle, limits, len(inks), self.glyphs.raster)
                characters[row, column // across], inks[row, column // across] = marker, ink

    def _draw_mark(self, mark: VerticalMark, characters: NDArray[np.int32], inks: NDArray[np.int32]) -> None:
        columns = inks.shape[1]
        column = self._column(mark.x, columns)
        if column is None:
            return
        free = inks[:, column] <= GRID_INK
        characters[free, column], inks[free, column] = ord(self.glyphs.mark), MARK_INK
        text = f" {mark.label} "
        begin = column + 1 if column + 1 + len(text) <= columns else column - len(text)
        free_rows = (row for row in range(len(inks)) if (inks[row, begin : begin + len(text)] <= GRID_INK).all())
        row = next(free_rows, None) if begin >= 0 else None
        if row is not None:
            write(text, characters, inks, row, begin)

    def _column(self, x: float, columns: int) -> int | None:
        """The cell that `x` is in; None where it is not shown."""
        first, last = self.look.shown
        return min(int((x - first) / (last - first) * columns), columns - 1) if first <= x <= last else None

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

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if event.button and self.app.mouse_captured is self:
            self.post_message(self.Dragged(-event.delta_x / max(self.size.width - 2 - GUTTER, 1)))
        else:
            self.post_message(self.Pointed(self._x_under(event.x)))

    def on_leave(self) -> None:
        self.post_message(self.Pointed(None))

    def on_mouse_down(self) -> None:
        self.capture_mouse()

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.post_message(self.Turned(0.5, self._x_under(event.x)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.post_message(self.Turned(2.0, self._x_under(event.x)))

    def _x_under(self, column: int) -> float:
        first, last = self.look.shown
        return min(max(first + (column - 1 - GUTTER + 0.5) * self.cell, first), last)


def write(text: str, characters: NDArray[np.int32], inks: NDArray[np.int32], row: int, begin: int) -> None:
    """Put a text into the drawing, cut at its right end."""
    text = text[: max(inks.shape[1] - begin, 0)] if begin >= 0 else ""
    characters[row, begin : begin + len(text)] = [ord(character) for character in text]
    inks[row, begin : begin + len(text)] = MARK_INK


def _segments(characters: NDArray[np.int32], inks: NDArray[np.int32], styles: Sequence[Style]) -> list[Segment]:
    """One row as runs of one style; blanks join the run before them, which saves a change of colour."""
    place = np.where(inks > 0, np.arange(len(inks)), 0)
    inks = inks[np.maximum.accumulate(place)]
    begins = np.flatnonzero(np.diff(inks, prepend=-1))
    text = characters.astype("<u4").tobytes().decode("utf-32-le")
    ends = [*begins[1:], len(text)]
    return [Segment(text[begin:end], styles[inks[begin]]) for begin, end in zip(begins, ends, strict=True)]
