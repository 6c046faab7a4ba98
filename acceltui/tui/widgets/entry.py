"""The line under the list of runs: what is known of the run under the cursor, or what is being typed."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual import events
from textual.strip import Strip

from acceltui.tui.catalog import RunLine
from acceltui.tui.palette import DIM, ERROR, KEY, PLAIN
from acceltui.tui.widgets.canvas import Canvas, Span, line
from acceltui.tui.widgets.run_columns import said


@dataclass
class Entry:
    """A line that is being typed: each change of it is told, or the whole of it at the end."""

    prompt: str
    hint: str
    text: str = ""
    changed: Callable[[str], None] | None = None
    done: Callable[[str], bool] | None = None
    """Whether it was good; else typing goes on."""


class EntryLine(Canvas):
    """One line; keys go into it while there is an entry."""

    run: RunLine | None = None
    entry: Entry | None = None
    trouble = ""

    def show(self, run: RunLine | None, trouble: str = "") -> None:
        """Tell of this run, or what is typed, and what is wrong with it."""
        self.run, self.trouble = run, trouble
        self.repaint()

    def type(self, event: events.Key) -> bool:
        """Take a key; whether it was one for typing."""
        entry = self.entry
        assert entry is not None
        match event.key:
            case "enter":
                if entry.done is None or entry.done(entry.text):
                    self.entry = None
            case "escape":
                self._change("")
                self.entry = None
            case "backspace":
                self._change(entry.text[:-1])
            case "ctrl+u":
                self._change("")
            case _ if event.is_printable:
                self._change(entry.text + (event.character or ""))
            case _:
                return False
        return True

    def insert(self, text: str) -> None:
        """Take text that was pasted, if any is wanted."""
        if self.entry is not None:
            self._change(self.entry.text + text)
            self.repaint()

    def _change(self, text: str) -> None:
        if self.entry is not None:
            self.entry.text = text
            if self.entry.changed:
                self.entry.changed(text)

    def draw(self, width: int, height: int) -> list[Strip]:
        spans: list[Span] = []
        if self.entry is not None:
            spans = self._typed(self.entry, width)
        elif self.run is not None:
            tell = [(self.run.error + "  " if self.run.error else "", ERROR), *said(self.run)]
            spans = [(f" {self.run.folder.name}  ", DIM), *tell]
        elif self.trouble:
            spans = [(f" {self.trouble}", PLAIN)]
        return [line(spans, width), *[line([], width)] * (height - 1)][:height]

    def _typed(self, entry: Entry, width: int) -> list[Span]:
        """Of what is longer than the line, the end."""
        room = max(width - len(entry.prompt) - 2, 0)
        over = max(cell_len(entry.text) - room, 0)
        text = entry.text if not over else entry.text[len(set_cell_size(entry.text, over)) :]
        said = f" {self.trouble}" if entry.text else f" {entry.hint}"
        return [(f" {entry.prompt}", KEY), (text, PLAIN), (" ", PLAIN + Style(reverse=True)), (said, DIM)]
