"""The list of runs: a line each, of which only the cells that changed are sent."""

import time
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from acceltui.runs import wording
from acceltui.runs.status import LIVING
from acceltui.tui.catalog import RunLine
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import CHOSEN, DIM, DONE, KEY, PLAIN, REST, STRONG
from acceltui.tui.widgets.canvas import Panel, Span, length, line
from acceltui.tui.widgets.header import state_style

LAYOUTS: tuple[tuple[int, dict[str, int]], ...] = (
    (112, {"state": 12, "stage": 10, "step": 11, "done": 4, "bar": 12, "steps/s": 7, "best": 7, "age": 6}),
    (96, {"state": 12, "stage": 10, "step": 11, "done": 4, "steps/s": 7, "best": 7, "age": 6}),
    (74, {"state": 12, "stage": 6, "done": 4, "steps/s": 7, "best": 7, "age": 6}),
    (52, {"state": 12, "done": 4, "best": 7, "age": 6}),
    (36, {"state": 12, "done": 4}),
    (0, {}),
)
"""Cells of the list from which on these columns fit beside the name, and how wide they are."""
LONGEST_NAME = 56
"""Cells that the name gets at most: the other columns stay near it."""
TO_THE_LEFT = ("name", "state", "stage", "bar")
Key = Callable[[RunLine], float | str | None]
ORDERS: dict[str, tuple[Key, bool]] = {
    "name": (lambda run: run.title.lower(), False),
    "state": (lambda run: f"{run.state not in LIVING} {run.state}", False),
    "stage": (lambda run: run.stage, False),
    "step": (lambda run: run.step, True),
    "done": (lambda run: run.share, True),
    "steps/s": (lambda run: run.speed, True),
    "best": (lambda run: run.best, True),
    "age": (lambda run: -run.made, False),
}
"""What a column is sorted by, and whether the largest comes first. None comes last, whichever way."""


def cell(run: RunLine, column: str, width: int, glyphs: Glyphs) -> list[Span]:
    """What a run has in a column of `width` cells."""
    match column:
        case "state":
            return [(f"{glyphs.dot} {run.state}", state_style(run.state))]
        case "stage":
            return [("accel" if run.stage == "accelerate" and width < len(run.stage) else run.stage, PLAIN)]
        case "step":
            return [(wording.count(run.step), PLAIN), (f"/{wording.count(run.budget)}" if run.budget else "", DIM)]
        case "done":
            return [("-" if run.share is None else f"{wording.percent(run.step, run.budget)}%", PLAIN)]
        case "bar":
            filled = wording.bar(run.step, run.budget, width)
            done = DONE if run.alive else DIM
            return [(glyphs.full * filled, done), (glyphs.empty * (width - filled), REST)]
        case "steps/s":
            return [("-" if run.speed is None else wording.value(run.speed), PLAIN)]
        case "best":
            return [("-" if run.best is None else wording.value(run.best), PLAIN)]
        case "age":
            return [(wording.age(time.time() - run.made), DIM)]
    recipe, _, seed = run.title.rpartition(" ")
    if recipe and length([(run.title, PLAIN)]) > width:
        return [*fit([(recipe, PLAIN)], width - len(seed) - 1, glyphs), (f" {seed}", PLAIN)]
    return [(run.title, PLAIN), (f"  {run.recipe}" if run.recipe else "", DIM)]


def fit(spans: list[Span], width: int, glyphs: Glyphs, *, right: bool = False) -> list[Span]:
    """Exactly `width` cells; what is longer ends with a sign that it does. Blanks join the text beside them, which
    saves a change of colour.
    """
    free = " " * (width - length(spans))
    if width >= length(spans):
        (first, its_style), *rest = spans
        return [(free + first, its_style), *rest] if right else [*spans, (free, spans[-1][1])]
    kept: list[Span] = []
    for text, style in spans:
        room_left = max(width - 1 - length(kept), 0)
        kept.append((set_cell_size(text, min(Segment(text).cell_length, room_left)), style))
    return [*kept, (glyphs.ellipsis, DIM)] if width > 0 else []


class RunList(Panel):
    """Lines with a cursor that stays on its run, sorted and filtered."""

    class Moved(Message):
        """The cursor is on another run, or on the same one with other facts."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "Runs", id="runs")
        self.can_focus = False
        self.runs: list[RunLine] = []
        self.shown: list[RunLine] = []
        self.waiting = True
        self.trouble = ""
        """Why there is no list."""
        self.filter = ""
        self.sorted_by = "age"
        self.turned = False
        """Whether the order is the other way round."""
        self.cursor = 0
        self.top = 0
        """The first line shown."""
        self._chosen = self._awaited = ""

    @property
    def run(self) -> RunLine | None:
        """Under the cursor."""
        return self.shown[self.cursor] if self.shown else None

    def show(self, runs: list[RunLine], trouble: str = "") -> None:
        """Show a newer look at all runs."""
        self.runs, self.trouble, self.waiting = runs, trouble, False
        self.rearrange()

    def await_run(self, name: str) -> None:
        """Put the cursor on a run, as soon as it is listed."""
        self._awaited = name
        self.rearrange()

    def move(self, lines: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + lines)

    def filter_by(self, text: str) -> None:
        """Show only what matches."""
        self.filter = text
        self.rearrange()

    def sort_next(self) -> None:
        """Sort by the next column."""
        columns = [column for column in ("name", *self._layout()) if column in ORDERS]
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
        kept = [run for run in self.runs if run.matches(self.filter)]
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

    def beside_title(self) -> list[Span]:
        return [(f"/{self.filter}", KEY)] if self.filter else []

    def remark(self) -> list[Span]:
        if self.waiting:
            return []
        alive = sum(run.alive for run in self.shown)
        of = f" of {len(self.runs)}" if len(self.shown) < len(self.runs) else ""
        return [(f"{len(self.shown)}{of}", PLAIN), (", ", DIM), (f"{alive}", PLAIN), (" running", DIM)]

    def content(self, width: int, height: int) -> list[Strip]:
        name = self._name_width(width)
        if not self.shown:
            lines = [line([(f" {self._nothing()}", DIM)], width)]
        else:
            shown = enumerate(self.shown[self.top : self.top + height - 1], start=self.top)
            lines = [self._head(width, name), *(self._line(run, place, width, name) for place, run in shown)]
        return [*lines, *[line([], width)] * height][:height]

    def _nothing(self) -> str:
        if self.waiting:
            return "looking at the runs folder"
        return self.trouble or (f"No run matches {self.filter!r}." if self.runs else "There is no run yet.")

    def _layout(self, width: int | None = None) -> dict[str, int]:
        width = self.size.width - 2 if width is None else width
        return next(layout for least, layout in LAYOUTS if width >= least)

    def _gap(self, width: int) -> int:
        return 2 if width >= 60 else 1

    def _name_width(self, width: int) -> int:
        layout = self._layout(width)
        return max(min(width - 3 - sum(layout.values()) - self._gap(width) * len(layout), LONGEST_NAME), 0)

    def _head(self, width: int, name: int) -> Strip:
        marks = self.glyphs.order
        spans: list[Span] = [("  ", DIM)]
        for column, cells in {"name": name, **self._layout(width)}.items():
            title: list[Span] = [("" if column == "bar" else column, DIM)]
            if column == self.sorted_by:
                down = ORDERS[column][1] != self.turned
                title = [(column + marks[down], KEY)] if len(column) < cells else [(column, KEY)]
            spans += [*fit(title, cells, self.glyphs, right=column not in TO_THE_LEFT), (" " * self._gap(width), PLAIN)]
        return line(spans, width)

    def _line(self, run: RunLine, place: int, width: int, name: int) -> Strip:
        here = place == self.cursor
        spans: list[Span] = [(f"{self.glyphs.prompt} " if here else "  ", KEY)]
        for column, cells in {"name": name, **self._layout(width)}.items():
            facts = cell(run, column, cells, self.glyphs)
            if here and column == "name":
                facts[0] = (facts[0][0], STRONG)
            spans += fit(facts, cells, self.glyphs, right=column not in TO_THE_LEFT)
            spans.append((" " * self._gap(width), spans[-1][1]))
        joined = [("".join(text for text, _ in group), style) for style, group in groupby(spans, key=itemgetter(1))]
        if here:
            joined = [(text, style + CHOSEN) for text, style in joined]
        return line(joined, width, PLAIN + CHOSEN if here else PLAIN)
