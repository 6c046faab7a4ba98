"""Lines of text that one scrolls through, finds words in, and may see only the ones that matter of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip

from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, KEY, PLAIN
from acceltui.tui.widgets.canvas import Panel, Span, line

FOUND = Style(reverse=True)


@dataclass(frozen=True)
class TextLine:
    """One line, safe to show."""

    text: str
    style: Style = PLAIN
    matters: bool = False
    """Whether it is one of those that can be shown alone."""


class Lines(Panel):
    """The last of the lines are shown, or those that one has scrolled to; at the end it follows new ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(1)", show=False),
        Binding("down,j", "scroll(-1)", show=False),
        Binding("pageup", "scroll(20)", show=False),
        Binding("pagedown,space", "scroll(-20)", show=False),
        Binding("home,g", "scroll(1000000)", show=False),
        Binding("end,G", "scroll(-1000000)", show=False),
    ]

    def __init__(self, glyphs: Glyphs, title: str, empty: str) -> None:
        """`empty`: what to say where there is no line."""
        super().__init__(glyphs, title)
        self.empty = empty
        self.lines: Sequence[TextLine] = ()
        self.shown: Sequence[TextLine] = ()
        self.note = ""
        self.back = 0
        """Lines below those that are shown."""
        self.following = True
        self.sought = ""
        self.only = False
        """Whether only lines that matter are shown."""

    def show(self, lines: Sequence[TextLine], note: str = "") -> None:
        """Show these lines; what one has scrolled to stays in place."""
        before = len(self.shown)
        self.lines, self.note = lines, note
        self._choose()
        if not self.following:
            self.back += max(len(self.shown) - before, 0)
        self._move_to(0 if self.following else self.back)

    def follow(self, following: bool) -> None:
        """Go to the end and stay there, or stay here."""
        self.following = following
        self._move_to(0 if following else self.back)

    def show_only(self, only: bool) -> None:
        """Show only the lines that matter, or all."""
        self.only = only
        self._choose()
        self._move_to(0 if self.following else self.back)

    def seek(self, text: str) -> None:
        """Mark a text wherever it occurs, and go to where it last does above, where none is in sight."""
        self.sought = text.lower()
        if not any(self._has(one) for one in self.on_screen()):
            self.seek_next(-1)
        self.repaint()

    def seek_next(self, direction: int) -> None:
        """Go to where it occurs next, below (1) or above (-1) what is shown, past the end from the other one on."""
        found = [at for at, one in enumerate(self.shown) if self._has(one)]
        if not found:
            return
        height = max(self.size.height - 2, 1)
        end = len(self.shown) - self.back
        if direction > 0:
            wanted = next((at for at in found if at >= end), found[0])
        else:
            wanted = next((at for at in reversed(found) if at < end - height), found[-1])
        self._move_to(len(self.shown) - 1 - wanted - height // 2)
        self.following = self.back == 0

    def action_scroll(self, lines: int) -> None:
        """Move towards the beginning by `lines`."""
        self._move_to(self.back + lines)
        self.following = self.back == 0
        self.repaint()

    def remark(self) -> list[Span]:
        found = sum(map(self._has, self.shown)) if self.sought else 0
        said: list[Span] = [(f"{found} found  ", KEY if found else DIM)] if self.sought else []
        return [*said, ("at the end", KEY) if self.back == 0 else (f"{self.back} lines below", DIM)]

    def beside_title(self) -> list[list[Span]]:
        return [[(self.note, DIM)]] if self.note else []

    def content(self, width: int, height: int) -> list[Strip]:
        shown = self.on_screen(height) or [TextLine(self.empty, DIM)]
        strips = [line([(" ", PLAIN), *self._marked(one)], width) for one in shown]
        return [*strips, *[line([], width)] * height][:height]

    def on_resize(self) -> None:
        self._move_to(self.back)

    def _choose(self) -> None:
        self.shown = [one for one in self.lines if one.matters] if self.only else self.lines

    def on_screen(self, height: int | None = None) -> Sequence[TextLine]:
        """Those that are shown."""
        height = max(self.size.height - 2, 1) if height is None else height
        end = len(self.shown) - self.back
        return self.shown[max(end - height, 0) : end]

    def _move_to(self, back: int) -> None:
        self.back = max(min(back, len(self.shown) - max(self.size.height - 2, 1)), 0)
        self.repaint()

    def _has(self, one: TextLine) -> bool:
        return bool(self.sought) and self.sought in one.text.lower()

    def _marked(self, one: TextLine) -> list[Span]:
        if not self._has(one):
            return [(one.text, one.style)]
        spans: list[Span] = []
        rest = one.text
        while (at := rest.lower().find(self.sought)) >= 0 and len(rest.lower()) == len(rest):
            end = at + len(self.sought)
            spans += [(rest[:at], one.style), (rest[at:end], one.style + FOUND)]
            rest = rest[end:]
        return [*spans, (rest, one.style)]
