"""The list of runs: a line each, of which only the cells that changed are sent."""

from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from textual import events
from textual.message import Message
from textual.strip import Strip

from acceltui.runs.filter import Filter
from acceltui.runs.folder import RunFolder
from acceltui.tui.catalog import RunLine
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import CHOSEN, CURVES, DIM, KEY, PLAIN, STRONG
from acceltui.tui.widgets.canvas import Panel, Span, line
from acceltui.tui.widgets.run_columns import ORDERS, PREFIX, TO_THE_LEFT, cell, columns_of, fit, gap_of

MOST_SELECTED = len(CURVES)
FIGURES_EVERY = 3
"""Looks after which a run that keys are not about gets new figures: nobody reads thirty runs a second, and they would
be most of what is sent."""


class RunList(Panel):
    """Lines with a cursor that stays on its run, sorted and filtered; some are selected."""

    class Moved(Message):
        """The cursor is on another run, or on the same one with other facts; or others are selected."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "Runs", id="runs")
        self.can_focus = False
        self.runs: list[RunLine] = []
        self.shown: list[RunLine] = []
        self.waiting = True
        self.trouble = ""
        """Why there is no list."""
        self.filter = ""
        self.wanted = Filter()
        """The same, as it is understood."""
        self.sorted_by = "age"
        self.turned = False
        """Whether the order is the other way round."""
        self.cursor = 0
        self.top = 0
        """The first line shown."""
        self.selected: dict[str, int] = {}
        """Names of the selected runs, each with its place among the markers."""
        self.at_once = True
        """Whether the next look is shown with all its figures."""
        self._looks = 0
        self._chosen = self._awaited = ""

    @property
    def run(self) -> RunLine | None:
        """Under the cursor."""
        return self.shown[self.cursor] if self.shown else None

    def show(self, runs: list[RunLine], trouble: str = "") -> None:
        """Show a newer look at all runs."""
        known = {run.folder.name: run for run in self.runs if not self.at_once}
        self.runs = [self._calmed(run, known.get(run.folder.name), place) for place, run in enumerate(runs)]
        self.trouble, self.waiting, self.at_once = trouble, False, False
        self._looks += 1
        if not trouble:
            there = {run.folder.name for run in runs}
            self.selected = {name: place for name, place in self.selected.items() if name in there}
        self.rearrange()

    def _calmed(self, run: RunLine, before: RunLine | None, place: int) -> RunLine:
        """With the figures that were shown before, unless it is the run's turn or something else has happened."""
        is_its_turn = (self._looks + place) % FIGURES_EVERY == 0 or run.folder.name == self._chosen
        if before is None or is_its_turn or (run.state, run.stage) != (before.state, before.stage):
            return run
        return replace(run, step=before.step, speed=before.speed, best=before.best)

    def toggle(self) -> bool:
        """Select the run under the cursor, or no longer; False where as many are selected as can be."""
        free = [place for place in range(MOST_SELECTED) if place not in self.selected.values()]
        if self.run is None or self.selected.pop(self.run.folder.name, None) is not None:
            self._tell()
        elif free:
            self.selected[self.run.folder.name] = free[0]
            self._tell()
        else:
            return False
        return True

    def select_none(self) -> None:
        """Select no run any more."""
        self.selected = {}
        self._tell()

    def chosen_folders(self) -> dict[int, RunFolder]:
        """The selected runs by their places, or the one under the cursor at the first."""
        folders = {self.selected[run.folder.name]: run.folder for run in self.runs if run.folder.name in self.selected}
        return dict(sorted(folders.items())) or ({0: self.run.folder} if self.run else {})

    def await_run(self, name: str) -> None:
        """Put the cursor on a run, as soon as it is listed."""
        self._awaited = name
        self.rearrange()

    def move(self, lines: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + lines)

    @property
    def not_understood(self) -> str:
        """Why the filter lets nothing through, where it can not."""
        return self.wanted.trouble(run.values for run in self.runs)

    def filter_by(self, text: str) -> None:
        """Show only what matches."""
        self.filter, self.wanted = text, Filter(text)
        self.rearrange()

    def sort_next(self) -> None:
        """Sort by the next column."""
        columns = [column for column in self._columns(self.size.width - 2) if column in ORDERS]
        here = columns.index(self.sorted_by) if self.sorted_by in columns else -1
        self.sorted_by, self.turned = columns[(here + 1) % len(columns)], False
        self.rearrange()

    def turn(self) -> None:
        """Sort the other way round."""
        self.turned = not self.turned
        self.rearrange()

    def rearrange(self) -> None:
        """Filter and sort; the cursor stays on its run, or at its place where that is gone."""
        key, large_first = ORDERS[self.sorted_by]
        kept = [run for run in self.runs if run.matches(self.wanted)]
        known = [run for run in kept if key(run) is not None]
        known.sort(key=key, reverse=large_first != self.turned)  # type: ignore[arg-type]
        self.shown = known + [run for run in kept if key(run) is None]
        places = {run.folder.name: place for place, run in enumerate(self.shown)}
        if self._awaited in places:
            self._chosen, self._awaited = self._awaited, ""
        self._go(places.get(self._chosen, self.cursor))

    def _go(self, cursor: int) -> None:
        self.cursor = max(min(cursor, len(self.shown) - 1), 0)
        if self.run is not None:
            self._chosen = self.run.folder.name
        self._scroll()
        self._tell()

    def _tell(self) -> None:
        self.repaint()
        self.post_message(self.Moved())

    def _scroll(self) -> None:
        """Keep the cursor in view."""
        height = max(self.size.height - 3, 1)
        self.top = max(min(self.top, self.cursor, len(self.shown) - height), self.cursor - height + 1, 0)

    def on_resize(self) -> None:
        self._scroll()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.move(1)

    def on_click(self, event: events.Click) -> None:
        row = event.y - 2
        if 0 <= row < self.size.height - 3 and self.top + row < len(self.shown):
            self._go(self.top + row)

    def beside_title(self) -> list[list[Span]]:
        return [[(f"/{self.filter}", KEY)]] if self.filter else []

    def remark(self) -> list[Span]:
        if self.waiting:
            return []
        alive = sum(run.alive for run in self.shown)
        of = f" of {len(self.runs)}" if len(self.shown) < len(self.runs) else ""
        selected: list[Span] = [(f"{len(self.selected)} selected", KEY), ("   ", PLAIN)] if self.selected else []
        return [*selected, (f"{len(self.shown)}{of}", PLAIN), (", ", DIM), (f"{alive}", PLAIN), (" running", DIM)]

    def content(self, width: int, height: int) -> list[Strip]:
        if not self.shown:
            lines = [line([(f" {self._nothing()}", DIM)], width)]
        else:
            shown = enumerate(self.shown[self.top : self.top + height - 1], start=self.top)
            columns = self._columns(width)
            lines = [self._head(width, columns), *(self._line(run, place, width, columns) for place, run in shown)]
        return [*lines, *[line([], width)] * height][:height]

    def _nothing(self) -> str:
        if self.waiting:
            return "looking at the runs folder"
        if self.runs and not self.wanted.wrong and not self.wanted.keys <= self.runs[0].values.keys():
            return "reading recipes"
        return self.trouble or (f"No run matches {self.filter!r}." if self.runs else "There is no run yet.")

    def _columns(self, width: int) -> dict[str, int]:
        return columns_of(max(width, 0), notes=any(run.notes.text for run in self.runs))

    def _head(self, width: int, columns: dict[str, int]) -> Strip:
        marks = self.glyphs.order
        spans: list[Span] = [(" " * PREFIX, DIM)]
        for column, cells in columns.items():
            title: list[Span] = [("" if column == "bar" else column, DIM)]
            if column == self.sorted_by:
                down = ORDERS[column][1] != self.turned
                title = [(column + marks[down], KEY)] if len(column) < cells else [(column, KEY)]
            spans += [*fit(title, cells, self.glyphs, right=column not in TO_THE_LEFT), (" " * gap_of(width), PLAIN)]
        return line(spans, width)

    def _line(self, run: RunLine, place: int, width: int, columns: dict[str, int]) -> Strip:
        here, marker = place == self.cursor, self.selected.get(run.folder.name)
        spans: list[Span] = [(self.glyphs.prompt if here else " ", KEY)]
        spans += [("  ", KEY)] if marker is None else [(f"{self.glyphs.markers[marker]} ", CURVES[marker])]
        for column, cells in columns.items():
            facts = cell(run, column, cells, self.glyphs)
            if here and column == "name":
                facts[0] = (facts[0][0], STRONG)
            spans += fit(facts, cells, self.glyphs, right=column not in TO_THE_LEFT)
            spans.append((" " * gap_of(width), spans[-1][1]))
        joined = [("".join(text for text, _ in group), style) for style, group in groupby(spans, key=itemgetter(1))]
        if here:
            joined = [(text, style + CHOSEN) for text, style in joined]
        return line(joined, width, PLAIN + CHOSEN if here else PLAIN)
