"""What is likely wrong with a run, in one line."""

from textual.strip import Strip

from acceltui.tui.palette import DIM, WARNING
from acceltui.tui.widgets.canvas import Canvas, Span, both_ends, length, line


class Health(Canvas):
    """The first sentence and how many more there are; hidden while there is none."""

    sentences: tuple[str, ...] = ()

    def on_mount(self) -> None:
        self.display = bool(self.sentences)

    def show(self, sentences: tuple[str, ...]) -> None:
        """Show what holds now."""
        if sentences != self.sentences:
            self.sentences = sentences
            self.display = bool(sentences)
            self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        if not self.sentences:
            return [line([], width)] * height
        first, *others = self.sentences
        more: list[Span] = [(f"  +{len(others)} more ", DIM)] if others else [(" ", DIM)]
        said: list[Span] = [(" ! ", WARNING), (first, WARNING)]
        if length(said) + length(more) > width:
            room = max(width - length(more) - len(self.glyphs.ellipsis) - 3, 0)
            said = [(" ! ", WARNING), (first[:room] + self.glyphs.ellipsis, WARNING)]
        return [both_ends(said, more, width), *[line([], width)] * height][:height]
