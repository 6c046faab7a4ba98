"""The last line: the keys, or for some seconds what there is to say."""

from collections.abc import Sequence

from textual.strip import Strip
from textual.timer import Timer

from acceltui.runs.text import clean
from acceltui.tui.keys import Line
from acceltui.tui.palette import DIM, KEY, PLAIN, WARNING
from acceltui.tui.widgets.canvas import Canvas, Span, length, line

SHOWN_FOR = 8.0
"""Seconds a notice stays."""


class KeyLine(Canvas):
    """Keys and what they do; a notice takes their place for a while."""

    keys: Sequence[Line] = ()
    """The last is always shown; of the others as many as fit."""
    text = ""
    urgent = False
    paused = False
    _timer: Timer | None = None

    def say(self, text: str, *, urgent: bool = False) -> None:
        """Show a notice."""
        self.text, self.urgent = clean(text), urgent
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SHOWN_FOR, self._hush)
        self.repaint()

    def show_keys(self, keys: Sequence[Line]) -> None:
        """Name these keys from now on."""
        self.keys = keys
        self.repaint()

    def show_paused(self, paused: bool) -> None:
        """Name the pause key by what it would do."""
        if paused != self.paused:
            self.paused = paused
            self.repaint()

    def _hush(self) -> None:
        self.text = ""
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        spans = self._notice() if self.text else self._keys(width)
        return [line(spans, width), *[line([], width)] * (height - 1)][:height]

    def _notice(self) -> list[Span]:
        return [
            (f" {self.glyphs.dot} ", WARNING if self.urgent else KEY),
            (self.text, WARNING if self.urgent else PLAIN),
        ]

    def _keys(self, width: int) -> list[Span]:
        if not self.keys:
            return []
        *most, last = [self._key(key, name) for key, name in self.keys]
        spans: list[Span] = []
        for pair in most:
            if length(spans) + length(pair) + length(last) > width:
                break
            spans += pair
        return spans + last

    def _key(self, key: str, name: str) -> list[Span]:
        name = "Unpause" if name == "Pause" and self.paused else name
        return [(f" {key}", KEY), (f" {name} ", DIM)]
