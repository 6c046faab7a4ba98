"""Screens of text: scroll, find, follow, and only what matters."""

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.strip import Strip

from acceltui.runs.text import clean
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import LEAVE, READING, Line, bindings_of, key_line
from acceltui.tui.palette import DIM, KEY, PLAIN
from acceltui.tui.screens.keyed import KeyedScreen
from acceltui.tui.widgets.canvas import line
from acceltui.tui.widgets.keys import KeyLine
from acceltui.tui.widgets.lines import Lines, TextLine

LOOK_EVERY = 1.0


class FindLine(KeyLine):
    """The keys; while a text to find is typed, that."""

    typed: str | None = None

    def show_typed(self, typed: str | None) -> None:
        """Show what is typed; None for the keys."""
        self.typed = typed
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        if self.typed is None:
            return super().draw(width, height)
        spans = [(" /", KEY), (self.typed, PLAIN), (" ", PLAIN + Style(reverse=True))]
        return [line([*spans, ("" if self.typed else " what to find", DIM)], width)]


class ReadingScreen(KeyedScreen):
    """A text over the dashboard, looked at again each second; subclasses read it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", group=LEAVE, tooltip="end the search; leave"),
        Binding("q", "dismiss", show=False, group=LEAVE, tooltip="leave"),
        Binding("slash", "find", "Find", id="find", group=READING, tooltip="find a text"),
        Binding("n", "next(1)", "Next", id="find-next", group=READING, tooltip="where it occurs next"),
        Binding("N", "next(-1)", show=False, id="find-before", group=READING, tooltip="where it occurs before"),
        Binding("f", "follow", "Follow", id="follow", group=READING, tooltip="follow the end, or stay here"),
    ]

    def __init__(self, glyphs: Glyphs, title: str, empty: str) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.view = Lines(glyphs, title, empty)
        self.line = FindLine(glyphs, classes="line")
        self.typed: str | None = None
        """What to find, while it is typed."""

    def read(self) -> tuple[Sequence[TextLine], str]:
        """The lines, and a note for the title."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.line

    def on_mount(self) -> None:
        self.line.show_keys(self.key_line())
        self._look()
        self.set_interval(LOOK_EVERY, self._look)

    def key_line(self) -> list[Line]:
        """Keys for the last line."""
        return key_line(bindings_of(self))

    def _look(self) -> None:
        lines, note = self.read()
        if (lines, note) != (self.view.lines, self.view.note):
            self.view.show(lines, note)

    def on_key(self, event: events.Key) -> None:
        """Type what to find. Of `/ab` in one go, bindings would miss the `ab`."""
        if self.typed is None and event.key != "slash":
            return
        match event.key:
            case "slash" if self.typed is None:
                self.typed = ""
            case "enter" | "escape":
                if event.key == "escape":
                    self.view.seek("")
                self.typed = None
            case "backspace":
                self.typed = (self.typed or "")[:-1]
            case _ if event.is_printable:
                self.typed = (self.typed or "") + (event.character or "")
            case _:
                return
        event.stop()
        event.prevent_default()
        self._seek()

    def on_paste(self, event: events.Paste) -> None:
        if self.typed is not None:
            self.typed += clean(event.text)
            self._seek()

    def _seek(self) -> None:
        if self.typed is not None:
            self.view.seek(self.typed)
        self.line.show_typed(self.typed)

    def action_next(self, direction: int) -> None:
        """Go to where the text that was sought occurs next, or before."""
        self.view.seek_next(direction)

    def action_follow(self) -> None:
        """Follow the end, or stop following."""
        self.view.follow(not self.view.following)

    def action_back(self) -> None:
        """End the search; leave."""
        if self.view.sought:
            self.view.seek("")
        else:
            self.dismiss()

    def to_copy(self) -> tuple[str, str]:
        return "the lines shown", "\n".join(one.text for one in self.view.on_screen())
