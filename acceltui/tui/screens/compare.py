"""Runs beside each other: curves above, figures and what differs in the recipes below."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from acceltui.runs.folder import RunFolder
from acceltui.tui.comparison import Comparing, Comparison, Overlay
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import LEAVE, TABLE, bindings_of, key_line
from acceltui.tui.plot import axes
from acceltui.tui.plot.traces import Source
from acceltui.tui.plot.widget import Plot
from acceltui.tui.screens.plots import PlotScreen
from acceltui.tui.series import CLOCK
from acceltui.tui.watch import WatchThread
from acceltui.tui.widgets.compared import ComparisonTable, OverlayPlot
from acceltui.tui.widgets.keys import KeyLine

LOOK_EVERY = 1.0
KEYS = (("t", "Steps, time"), ("i", "Values"), ("up down", "Lines"), ("left right", "Runs"))
"""What the key line names after how to leave."""


@dataclass
class Compared(Message, bubble=False):
    """A newer look at the runs."""

    comparison: Comparison

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Compared)


class Compare(PlotScreen):
    """Compares runs, live; reads them while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", group=LEAVE, tooltip="put the crosshair away; leave"),
        Binding("q,c", "dismiss", show=False, group=LEAVE, tooltip="leave"),
        Binding("up,k", "scroll(-1, 0)", show=False, group=TABLE, tooltip="up"),
        Binding("down,j", "scroll(1, 0)", show=False, group=TABLE, tooltip="down"),
        Binding("pageup", "scroll(-10, 0)", show=False, group=TABLE, tooltip="up"),
        Binding("pagedown", "scroll(10, 0)", show=False, group=TABLE, tooltip="down"),
        Binding("home,g", "scroll(-1000000, 0)", show=False, group=TABLE, tooltip="to its first line"),
        Binding("end,G", "scroll(1000000, 0)", show=False, group=TABLE, tooltip="to its last line"),
        Binding("h", "scroll(0, -1)", show=False, group=TABLE, tooltip="the run to the left"),
        Binding("l", "scroll(0, 1)", show=False, group=TABLE, tooltip="the run to the right"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, folders: Mapping[int, RunFolder], glyphs: Glyphs, hint: str = "") -> None:
        """`folders`: by their places among markers and colours; `hint`: shown for a while in place of the keys."""
        super().__init__()
        self.plot = OverlayPlot(glyphs, max(folders) + 1)
        self.table = ComparisonTable(glyphs)
        self.keys = KeyLine(glyphs, classes="line")
        self._comparison: Comparison | None = None
        self._hint = hint
        self._comparing = Comparing(folders)
        self._thread = WatchThread(self._look, LOOK_EVERY)

    def compose(self) -> ComposeResult:
        yield self.plot
        yield self.table
        yield self.keys

    def on_mount(self) -> None:
        back, *others = key_line(bindings_of(self))
        self.keys.show_keys([back, *KEYS, *others])
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
        self._comparison = message.comparison
        self.show_plots()
        self.table.show(message.comparison)

    def show_plots(self) -> None:
        if self._comparison is not None:
            end = self.newest()
            stop = axes.roomy(end) if self.look.seconds and self._comparison.alive else end
            self.look = replace(self.look, stop=max(stop if self.look.seconds else self._comparison.budget, 1.0))
            self.plot.compare(self._comparison, self.look)

    def chosen_plot(self) -> Plot:
        return self.plot

    def source(self) -> Source | None:
        return None if self._comparison is None else Overlay(self._comparison, self.look.seconds)

    def newest(self) -> float:
        if self._comparison is None:
            return 0.0
        histories = [measured.history for measured in self._comparison.measured]
        if self.look.seconds:
            return max(np.nan_to_num(history.last(CLOCK)).item() for history in histories)
        return max(history.step for history in histories)

    def action_sideways(self, direction: int) -> None:
        """Move the crosshair, where it is shown; else the table by a run."""
        if self.look.at is None:
            self.table.scroll(0, direction)
        else:
            super().action_sideways(direction)

    def action_back(self) -> None:
        """Put the crosshair away; leave."""
        if self.look.at is None:
            self.dismiss()
        else:
            self.look_again(replace(self.look, at=None))

    def action_scroll(self, lines: int, runs: int) -> None:
        """Move the table by lines and by runs."""
        self.table.scroll(lines, runs)

    def to_copy(self) -> tuple[str, str]:
        return "the table", self.table.as_text()
