"""Runs beside each other: returns above, figures and what differs in the recipes below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from acceltui.runs.folder import RunFolder
from acceltui.tui.comparison import Comparing, Comparison
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.screens.help import Help
from acceltui.tui.watch import WatchThread
from acceltui.tui.widgets.compared import ComparisonTable, ReturnsPlot
from acceltui.tui.widgets.keys import KeyLine

LOOK_EVERY = 1.0


@dataclass
class Compared(Message, bubble=False):
    """A newer look at the runs."""

    comparison: Comparison

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Compared)


class CompareKeys(KeyLine):
    """The keys of this screen."""

    keys = (("Esc", "Back"), ("t", "Steps, time"), ("up down", "Lines"), ("left right", "Runs"), ("?", "Help"))


class Compare(Screen[None]):
    """Compares runs, live; reads them while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,c", "dismiss", "Back", show=False),
        Binding("t", "clock", "Steps or time", show=False),
        Binding("question_mark,f1", "help", "Help", show=False),
        Binding("up,k", "scroll(-1, 0)", "Up", show=False),
        Binding("down,j", "scroll(1, 0)", "Down", show=False),
        Binding("pageup", "scroll(-10, 0)", "Up", show=False),
        Binding("pagedown", "scroll(10, 0)", "Down", show=False),
        Binding("home,g", "scroll(-1000000, 0)", "First", show=False),
        Binding("end,G", "scroll(1000000, 0)", "Last", show=False),
        Binding("left,h", "scroll(0, -1)", "Left", show=False),
        Binding("right,l", "scroll(0, 1)", "Right", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, folders: Mapping[int, RunFolder], glyphs: Glyphs, hint: str = "") -> None:
        """`folders`: by their places among markers and colours; `hint`: shown for a while in place of the keys."""
        super().__init__()
        self.plot = ReturnsPlot(glyphs, max(folders) + 1)
        self.table = ComparisonTable(glyphs)
        self.keys = CompareKeys(glyphs, classes="line")
        self._hint = hint
        self._comparing = Comparing(folders)
        self._thread = WatchThread(self._look, LOOK_EVERY)

    def compose(self) -> ComposeResult:
        yield self.plot
        yield self.table
        yield self.keys

    def on_mount(self) -> None:
        self._thread.start()
        if self._hint:
            self.keys.say(self._hint)

    def on_unmount(self) -> None:
        self._thread.stop()

    def _look(self) -> bool:
        """Called by the thread; whether there is more to see at once."""
        comparison = self._comparing.look()
        self.post_message(Compared(comparison))
        return comparison.read < 1 or comparison.differences is None

    def on_compared(self, message: Compared) -> None:
        self.plot.compare(message.comparison)
        self.table.show(message.comparison)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.table.scroll(-1, 0)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.table.scroll(1, 0)

    def action_clock(self) -> None:
        """Plot over steps, or over the time of training."""
        self.plot.turn_clock()

    def action_scroll(self, lines: int, runs: int) -> None:
        """Move the table by lines and by runs."""
        self.table.scroll(lines, runs)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help())
