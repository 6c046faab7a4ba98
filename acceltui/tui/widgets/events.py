"""What happened in the run, the newest at the bottom."""

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from acceltui.runs import wording
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, ERROR, KEY, PLAIN, WARNING
from acceltui.tui.watch import Event
from acceltui.tui.widgets.canvas import Canvas, Panel, Span, line
from acceltui.tui.widgets.run_columns import fit

KIND_STYLES: dict[str, Style] = {"warning": WARNING, "error": ERROR, "switch": KEY}
KIND_WIDTH = 10


def event_spans(event: Event) -> list[Span]:
    """One event on one line: time, step, kind, what, who."""
    style = KIND_STYLES.get(event.kind, PLAIN)
    kind = event.kind.removeprefix("evaluation_")
    spans: list[Span] = [
        (f" {wording.clock(event.time, with_seconds=True)} ", DIM),
        (f"{wording.count(event.step):>6}  ", DIM),
        (f"{kind[:KIND_WIDTH]:<{KIND_WIDTH}} ", style),
        (event.message, style if event.kind in ("warning", "error") else PLAIN),
    ]
    return [*spans, (f"  by {event.by}", DIM)] if event.by not in ("", "engine") else spans


class Events(Panel):
    """A framed list that follows the newest event until one scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(1)", "Older", show=False),
        Binding("down,j", "scroll(-1)", "Newer", show=False),
        Binding("pageup", "scroll(10)", "Older", show=False),
        Binding("pagedown", "scroll(-10)", "Newer", show=False),
        Binding("end", "scroll(-1000000)", "Newest", show=False),
    ]

    def __init__(self, glyphs: Glyphs, title: str, *, number: int, id: str) -> None:
        super().__init__(glyphs, title, number=number, id=id)
        self.events: tuple[Event, ...] = ()
        self.back = 0
        """Events below the last line shown."""

    def show(self, events: tuple[Event, ...]) -> None:
        """Show these events; a scrolled list stays where it is."""
        if self.back and self.events and events and events[-1] is not self.events[-1]:
            self.back += len(events) - len(self.events)
        self.events = events
        self._move_to(self.back)

    def action_scroll(self, lines: int) -> None:
        """Move towards older events by `lines`."""
        self._move_to(self.back + lines)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_scroll(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_scroll(-1)

    def _move_to(self, back: int) -> None:
        self.back = max(min(back, len(self.events) - max(self.size.height - 2, 1)), 0)
        self.repaint()

    def remark(self) -> list[Span]:
        return [(f"{self.back} newer below", WARNING)] if self.back else []

    def content(self, width: int, height: int) -> list[Strip]:
        end = len(self.events) - self.back
        shown = self.events[max(end - height, 0) : end]
        strips = [line(fit(event_spans(event), width, self.glyphs), width) for event in shown]
        return [*strips, *[line([], width)] * height][:height]


class Tail(Canvas):
    """The newest events without a frame, for small terminals."""

    events: tuple[Event, ...] = ()

    def show(self, events: tuple[Event, ...]) -> None:
        """Show the newest of these events."""
        self.events = events
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        shown = self.events[-height:] if height else ()
        strips = [line(fit(event_spans(event), width, self.glyphs), width) for event in shown]
        return [*strips, *[line([], width)] * height][:height]
