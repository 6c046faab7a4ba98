"""A sentence over the panels, until it is put away."""

import textwrap

from rich.style import Style
from textual.strip import Strip

from acceltui.tui.palette import PLAIN
from acceltui.tui.widgets.canvas import Canvas, line

MOST_LINES = 3


class Banner(Canvas):
    """A sentence on up to three lines; hidden while there is none."""

    text = ""
    style = PLAIN

    def show(self, text: str, style: Style) -> None:
        """Show a sentence, or nothing."""
        if text != self.text:
            self.text, self.style = text, style
            self.display = bool(text)
            self.fit(self.app.size.width)
            self.repaint()

    def fit(self, width: int) -> None:
        """Take as many lines as the sentence needs at this width."""
        self.styles.height = min(len(self._wrapped(width)), MOST_LINES) or 1

    def draw(self, width: int, height: int) -> list[Strip]:
        lines = self._wrapped(width)
        return [line([(" " + text, self.style)], width) for text in [*lines, *[""] * height][:height]]

    def _wrapped(self, width: int) -> list[str]:
        return textwrap.wrap(self.text, max(width - 2, 10))
