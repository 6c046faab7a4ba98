"""The legend of a plot: an entry a curve, beside the title or on lines of its own."""

from collections.abc import Sequence

from textual.strip import Strip

from acceltui.tui.palette import PLAIN
from acceltui.tui.widgets.canvas import Span, length, line

MOST_BESIDE = 3
"""Curves whose legend stands beside the title or nowhere; that of more goes above them where the title leaves no room.
"""
FRAME = 12
"""Cells that the frame's top takes beside a title and a remark."""


def joined(entries: Sequence[Sequence[Span]]) -> list[Span]:
    """All on one line."""
    return [span for index, entry in enumerate(entries) for span in (("   " if index else "", PLAIN), *entry)]


def fits(entries: Sequence[Sequence[Span]], title: str, width: int) -> bool:
    """Whether the legend stands beside the title of a panel of so many cells."""
    return len(entries) <= MOST_BESIDE or length(joined(entries)) + length([(title, PLAIN)]) + FRAME <= width


def wrapped(entries: Sequence[Sequence[Span]], width: int, height: int) -> list[Strip]:
    """As few lines as it takes, at most `height`."""
    rows: list[list[Sequence[Span]]] = []
    for entry in entries:
        if not rows or length(joined([*rows[-1], entry])) >= width - 1:
            rows.append([])
        rows[-1].append(entry)
    return [line([(" ", PLAIN), *joined(row)], width) for row in rows[:height]]
