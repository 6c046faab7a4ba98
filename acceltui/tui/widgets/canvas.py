"""A widget of styled lines that sends only the cells that changed."""

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, FRAME, FRAME_CHOSEN, PLAIN, STRONG

Span = tuple[str, Style]
"""Text in one style; data text in it was cleaned, and is never read as markup."""


def line(spans: Iterable[Span], width: int, blank: Style = PLAIN) -> Strip:
    """Spans as one line of exactly `width` cells, cut or filled at its end."""
    return Strip([Segment(text, style) for text, style in spans if text]).adjust_cell_length(width, blank)


def both_ends(left: list[Span], right: list[Span], width: int) -> Strip:
    """Spans at the left and at the right end of one line; the left is cut where they do not both fit."""
    tail = line(right, length(right))
    return Strip.join([line(left, max(width - tail.cell_length, 0)), tail]).crop(0, width)


def length(spans: Iterable[Span]) -> int:
    """Cells that spans take."""
    return sum(Segment(text, style).cell_length for text, style in spans)


def changed_cells(old: Strip, new: Strip) -> tuple[int, int] | None:
    """First and one past the last cell in which two lines of one width differ; None when they are alike."""
    if old == new:
        return None
    before = [(character, style) for text, style, _ in old for character in text]
    after = [(character, style) for text, style, _ in new for character in text]
    if len(before) != new.cell_length or len(after) != new.cell_length:  # a wide character: cells are not characters
        return 0, new.cell_length
    differ = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    return (differ[0], differ[-1] + 1) if differ else None


class Canvas(Widget):
    """Subclasses draw all their lines; `repaint` finds out what of it the terminal has to be told."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self._strips: list[Strip] = []
        self._drawn_size = (-1, -1)

    def draw(self, width: int, height: int) -> list[Strip]:
        """`height` lines of `width` cells."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Draw again and send what differs; a widget that is not shown waits until it is."""
        width, height = self.size
        if not self.is_attached or not self.display or (width, height) != self._drawn_size:
            self._drawn_size = (-1, -1)
            self.refresh()
            return
        before, self._strips = self._strips, self.draw(width, height)
        regions = [
            Region(cells[0], row, cells[1] - cells[0], 1)
            for row, (old, new) in enumerate(zip(before, self._strips, strict=True))
            if (cells := changed_cells(old, new))
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        size = (self.size.width, self.size.height)
        if size != self._drawn_size:
            self._strips, self._drawn_size = self.draw(*size), size
        return self._strips[y] if y < len(self._strips) else line([], size[0])


class Panel(Canvas, can_focus=True):
    """A canvas in a frame: a title with its number at the left of the top line, a remark at the right of it."""

    def __init__(self, glyphs: Glyphs, title: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(glyphs, id=id)
        self.title = title
        self.number = number

    def content(self, width: int, height: int) -> list[Strip]:
        """Lines inside the frame."""
        raise NotImplementedError

    def remark(self) -> list[Span]:
        """What stands at the right of the title."""
        return []

    def beside_title(self) -> list[Span]:
        """What follows the title."""
        return []

    def foot(self, width: int) -> list[Span]:
        """The frame's bottom between its corners, `width` cells."""
        return [(self.glyphs.horizontal * width, self.frame_style)]

    @property
    def frame_style(self) -> Style:
        return FRAME_CHOSEN if self.has_focus else FRAME

    def draw(self, width: int, height: int) -> list[Strip]:
        if width < 4 or height < 3:
            return [line([], width)] * height
        frame, edge = self.frame_style, self.glyphs.vertical
        top_left, top_right, bottom_left, bottom_right = tuple(self.glyphs.corners)
        inner = [
            Strip.join([Strip([Segment(edge, frame)]), strip, Strip([Segment(edge, frame)])])
            for strip in self.content(width - 2, height - 2)
        ]
        bottom = line([(bottom_left, frame), *self.foot(width - 2), (bottom_right, frame)], width)
        return [self._top(width, top_left, top_right), *inner, bottom]

    def _top(self, width: int, left_corner: str, right_corner: str) -> Strip:
        frame, dash = self.frame_style, self.glyphs.horizontal
        number: list[Span] = [(f"{self.number} ", DIM)] if self.number is not None else []
        left = [(left_corner + dash + " ", frame), *number, (self.title, STRONG), (" ", frame)]
        right = self.remark()
        right = [(" ", frame), *right, (" " + dash + right_corner, frame)] if right else [(right_corner, frame)]
        beside = self.beside_title()
        if beside and length(left) + length(beside) + length(right) + 4 <= width:
            left += [(dash + " ", frame), *beside, (" ", frame)]
        if length(left) + length(right) > width:
            right = [(right_corner, frame)]
        room = width - length(right)
        fill = (dash * max(room - length(left), 0), frame)
        return Strip.join([line([*left, fill], room), line(right, length(right))])

    def watch_has_focus(self, has_focus: bool) -> None:
        # Not at the events Focus and Blur: those come here before the widget knows of them.
        super().watch_has_focus(has_focus)
        self.repaint()
