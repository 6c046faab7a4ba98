"""The end of the engine's log."""

import contextlib
import os
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.strip import Strip

from acceltui.runs.files import READ_FLAGS
from acceltui.runs.folder import RunFolder
from acceltui.runs.text import clean
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, KEY, PLAIN
from acceltui.tui.widgets.canvas import Canvas, Panel, Span, line

TAIL = 256 * 1024
"""Bytes of the log's end that are shown."""
LOOK_EVERY = 1.0


def read_tail(folder: RunFolder) -> list[str]:
    """Last lines of engine.log, safe to show; what a carriage return overwrote is gone, as on a terminal."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder.log, READ_FLAGS | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            file.seek(max(size - TAIL, 0))
            lines = file.read(TAIL).decode("utf-8", "replace").split("\n")
        lines = lines[1:] if size > TAIL else lines
        return [clean(text.rstrip("\r").rpartition("\r")[2]) for text in lines[: -1 if lines[-1] == "" else None]]
    return []


class LogView(Panel):
    """Lines of the log; follows the end until one scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(1)", "Older", show=False),
        Binding("down,j", "scroll(-1)", "Newer", show=False),
        Binding("pageup", "scroll(20)", "Older", show=False),
        Binding("pagedown,space", "scroll(-20)", "Newer", show=False),
        Binding("home,g", "scroll(1000000)", "Oldest", show=False),
        Binding("end,G", "scroll(-1000000)", "Newest", show=False),
    ]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "engine.log")
        self.lines: list[str] = []
        self.back = 0
        self.following = True

    def show(self, lines: list[str]) -> None:
        """Show these lines; what one has scrolled to stays in place."""
        if not self.following and len(lines) > len(self.lines):
            self.back += len(lines) - len(self.lines)
        self.lines = lines
        self._move_to(0 if self.following else self.back)

    def follow(self, following: bool) -> None:
        """Go to the end and stay there, or stay here."""
        self.following = following
        self._move_to(0 if following else self.back)

    def action_scroll(self, lines: int) -> None:
        """Move towards the beginning by `lines`."""
        self._move_to(self.back + lines)
        self.following = self.back == 0
        self.repaint()

    def _move_to(self, back: int) -> None:
        self.back = max(min(back, len(self.lines) - max(self.size.height - 2, 1)), 0)
        self.repaint()

    def remark(self) -> list[Span]:
        return [("following", KEY)] if self.following else [(f"{self.back} lines below", DIM)]

    def content(self, width: int, height: int) -> list[Strip]:
        end = len(self.lines) - self.back
        shown = self.lines[max(end - height, 0) : end] or ["The log is empty."]
        strips = [line([(" " + text, PLAIN)], width) for text in shown]
        return [*strips, *[line([], width)] * height][:height]


class LogKeys(Canvas):
    """The keys of the log screen."""

    def draw(self, width: int, height: int) -> list[Strip]:
        spans: list[Span] = []
        for key, name in (("Esc", "Back"), ("f", "Follow"), ("up down", "Scroll"), ("g G", "Begin, end")):
            spans += [(f" {key}", KEY), (f" {name} ", DIM)]
        return [line(spans, width)] * height


class LogScreen(Screen[None]):
    """The log over the dashboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,l,q", "dismiss", "Back", show=False),
        Binding("f", "follow", "Follow", show=False),
    ]

    def __init__(self, folder: RunFolder, glyphs: Glyphs) -> None:
        super().__init__()
        self._folder = folder
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        yield LogView(self._glyphs)
        yield LogKeys(self._glyphs, classes="line")

    def on_mount(self) -> None:
        self._look()
        self.set_interval(LOOK_EVERY, self._look)

    def action_follow(self) -> None:
        """Follow the end, or stop following."""
        view = self.query_one(LogView)
        view.follow(not view.following)

    def _look(self) -> None:
        lines = read_tail(self._folder)
        view = self.query_one(LogView)
        if lines != view.lines:
            view.show(lines)
