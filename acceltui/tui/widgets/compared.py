"""The parts of a comparison: curves of one thing that all have measured, and a table with a column for each run."""

import math

from textual.strip import Strip

from acceltui.runs import wording
from acceltui.tui.comparison import LOGARITHMIC, MEASURES, Comparison, Overlay, curve_name
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import CURVES, DIM, FRAME, PLAIN, STRONG
from acceltui.tui.plot.look import Look, View
from acceltui.tui.plot.traces import Curve, nearest
from acceltui.tui.plot.widget import Plot
from acceltui.tui.widgets.canvas import Panel, Span, length, line
from acceltui.tui.widgets.run_columns import fit

NARROWEST = 16
"""Cells of a run's column in the table."""
GAP = 2


class OverlayPlot(Plot):
    """A curve for each run, its marker and colour by its place."""

    def __init__(self, glyphs: Glyphs, places: int) -> None:
        # Also for places that no run has: markers and colours go by the order of the curves.
        views = [
            View(title, tuple(Curve(curve_name(place, title), "") for place in range(places)), title in LOGARITHMIC)
            for title in MEASURES
        ]
        super().__init__(glyphs, views, read=wording.value, id="overlay")
        self.can_focus = False
        self._comparison: Comparison | None = None

    def compare(self, comparison: Comparison, look: Look) -> None:
        """Show a newer look at the runs."""
        self._comparison = comparison
        self.title = f"{self.shown.title} over {'the time of training' if look.seconds else 'steps'}"
        notes = [] if comparison.read == 1 else [f"reading history {wording.percent(comparison.read, 1)}%"]
        self.show(Overlay(comparison, look.seconds), look, notes=notes)

    def legend(self) -> list[list[Span]]:
        """None above the curves."""
        return []

    def remark(self) -> list[Span]:
        """Who is who, as far as there is room."""
        if self._comparison is None:
            return []
        comparison, overlay = self._comparison, Overlay(self._comparison, self.look.seconds)
        full: list[Span] = []
        short: list[Span] = []
        for place, title in zip(comparison.places, comparison.titles, strict=True):
            curve = overlay.view(curve_name(place, self.shown.title))
            point = nearest(*curve, math.inf if self.look.at is None else self.look.at)
            mark, last = (self.glyphs.markers[place] + " ", CURVES[place]), wording.value(point[1]) if point else "-"
            full += [("   " if full else "", PLAIN), mark, (f"{title} ", DIM), (last, PLAIN)]
            short += [("  " if short else "", PLAIN), mark, (last, PLAIN)]
        room = self.size.width - len(self.title) - 30
        return full if length(full) <= room else short


class ComparisonTable(Panel):
    """Figures and differences by line, runs by column; both scroll."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "Runs", id="table")
        self.can_focus = False
        self.comparison: Comparison | None = None
        self.top = 0
        """The first line shown below the head."""
        self.left = 0
        """The first run shown."""

    def show(self, comparison: Comparison) -> None:
        """Show a newer look at the runs."""
        self.comparison = comparison
        self.scroll(0, 0)

    def scroll(self, lines: int, runs: int) -> None:
        """Move by lines and by runs."""
        if self.comparison is not None:
            width, height = self.size.width - 2, self.size.height - 2
            self.top = max(min(self.top + lines, len(self._lines(self.comparison)) - (height - 1)), 0)
            last = next(first for first in range(len(self.comparison.places)) if self._fits(first, width))
            self.left = max(min(self.left + runs, last), 0)
        self.repaint()

    def on_resize(self) -> None:
        self.scroll(0, 0)

    def remark(self) -> list[Span]:
        comparison = self.comparison
        if comparison is None:
            return []
        count, shown = len(comparison.places), self._shown(self.left, self.size.width - 2)
        lines, height = len(self._lines(comparison)), max(self.size.height - 3, 0)
        parts: list[Span] = []
        if len(shown) < count:
            parts += [("runs ", DIM), (f"{self.left + 1}-{self.left + len(shown)}", PLAIN), (f" of {count}", DIM)]
        if lines > height:
            parts += [("   " if parts else "", DIM), ("lines ", DIM)]
            parts += [(f"{self.top + 1}-{min(self.top + height, lines)}", PLAIN), (f" of {lines}", DIM)]
        return parts

    def content(self, width: int, height: int) -> list[Strip]:
        comparison = self.comparison
        if comparison is None:
            lines = [line([(" looking at the runs", DIM)], width)]
        else:
            body = self._lines(comparison)[self.top : self.top + max(height - 1, 0)]
            lines = [self._head(comparison, width), *(self._line(*row, width) for row in body)]
        return [*lines, *[line([], width)] * height][:height]

    def _lines(self, comparison: Comparison) -> list[tuple[str, list[str]]]:
        """What a line is about, and its cells; no cells for a heading."""
        rows = [(name, list(cells)) for name, cells in comparison.figures.items()]
        differences = comparison.differences
        if differences is None:
            return [*rows, ("reading recipes", [])]
        if len(comparison.places) == 1:
            return rows
        heading = "recipe" if differences else "The recipes do not differ."
        return [*rows, ("", []), (heading, []), *((key, list(cells)) for key, cells in differences.items())]

    def as_text(self) -> str:
        """The whole table, its cells separated by tabs."""
        if self.comparison is None:
            return ""
        rows = [(name, cells) for name, cells in self._lines(self.comparison) if cells]
        return "\n".join("\t".join([name, *cells]) for name, cells in [("run", self.comparison.titles), *rows])

    def _head(self, comparison: Comparison, width: int) -> Strip:
        spans: list[Span] = [(" " * (1 + self._key_width(width)), DIM)]
        for index, cells in self._shown(self.left, width).items():
            place = comparison.places[index]
            mark: Span = (f"{self.glyphs.markers[place]} ", CURVES[place])
            spans += [(" " * GAP, PLAIN), mark, *self._title(comparison.titles[index], cells - 2)]
        return line(spans, width)

    def _title(self, title: str, width: int) -> list[Span]:
        """Of a title that is too long, the end stays: it tells runs of one recipe apart."""
        start, _, end = title.partition(" ")
        if end and len(title) > width > len(end) + 2:
            return [*fit([(start, STRONG)], width - len(end) - 1, self.glyphs), (f" {end}", STRONG)]
        return fit([(title, STRONG)], width, self.glyphs)

    def _line(self, name: str, cells: list[str], width: int) -> Strip:
        if not name:
            return line([], width)
        if not cells:
            return line([(f" {name} ", DIM), (self.glyphs.horizontal * (width - len(name) - 3), FRAME)], width)
        key = self._key_width(width)
        if len(name) > key:  # the end of a key tells more than its beginning
            name = self.glyphs.ellipsis + name[len(name) - key + 1 :]
        spans: list[Span] = [(f" {name:<{key}}", DIM)]
        for index, room in self._shown(self.left, width).items():
            spans += [(" " * GAP, PLAIN), *fit([(cells[index], PLAIN)], room, self.glyphs)]
        return line(spans, width)

    def _key_width(self, width: int) -> int:
        assert self.comparison is not None
        longest = max(len(name) for name, cells in self._lines(self.comparison) if cells)
        return min(longest, max(width // 3, 10))

    def _widths(self, width: int) -> list[int]:
        """Cells that each run's column gets: what it needs, or its part of the room, but not too little."""
        assert self.comparison is not None
        rows = [cells for _, cells in self._lines(self.comparison) if cells]
        titles = [len(title) + 2 for title in self.comparison.titles]
        needed = [max(map(len, column)) for column in zip(*rows, strict=True)]
        each = max((width - 1 - self._key_width(width)) // len(titles) - GAP, NARROWEST)
        return [max(min(each, max(pair)), NARROWEST) for pair in zip(needed, titles, strict=True)]

    def _shown(self, first: int, width: int) -> dict[int, int]:
        """The runs from `first` on for which there is room, and the cells of each; one at least."""
        room = width - 1 - self._key_width(width)
        shown: dict[int, int] = {}
        for index, cells in list(enumerate(self._widths(width)))[first:]:
            room -= cells + GAP
            if room < 0 and shown:
                break
            shown[index] = cells
        return shown

    def _fits(self, first: int, width: int) -> bool:
        """Whether all runs from `first` on are shown."""
        assert self.comparison is not None
        return first + len(self._shown(first, width)) == len(self.comparison.places)
