"""The columns of the list of runs: which fit, what a run has in each, and what they are sorted by."""

import time
from collections.abc import Callable

from rich.cells import set_cell_size
from rich.segment import Segment

from acceltui.runs import wording
from acceltui.runs.status import LIVING
from acceltui.tui.catalog import RunLine
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, DONE, KEY, PLAIN, REST
from acceltui.tui.widgets.canvas import Span, length
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
PREFIX = 3
"""Cells before the name: the cursor, the mark of a selected run, a blank."""
TO_THE_LEFT = ("name", "state", "stage", "bar", "notes")
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


def gap_of(width: int) -> int:
    """Cells between two columns."""
    return 2 if width >= 60 else 1


def columns_of(width: int, *, notes: bool) -> dict[str, int]:
    """The columns that fit into so many cells, and how wide they are. Tags and notes take the place of the bar."""
    fitting = next(layout for least, layout in LAYOUTS if width >= least)
    gap, notes = gap_of(width), notes and "bar" in fitting
    others = {column: cells for column, cells in fitting.items() if not (notes and column == "bar")}
    room = max(width - PREFIX - 1 - sum(others.values()) - gap * len(others), 0)
    if not notes:
        return {"name": min(room, LONGEST_NAME), **others}
    name = min(3 * room // 5, LONGEST_NAME)
    return {"name": name, **others, "notes": room - name - gap}


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
        case "notes":
            return said(run)
    recipe, _, seed = run.title.rpartition(" ")
    if recipe and length([(run.title, PLAIN)]) > width:
        return [*fit([(recipe, PLAIN)], width - len(seed) - 1, glyphs), (f" {seed}", PLAIN)]
    return [(run.title, PLAIN), (f"  {run.recipe}" if run.recipe else "", DIM)]


def said(run: RunLine) -> list[Span]:
    """What people say of a run."""
    gap = "  " if run.notes.tags and run.notes.note else ""
    return [(run.notes.shown_tags + gap, KEY), (run.notes.note, DIM)]


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
