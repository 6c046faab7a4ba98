"""The lines above the list of runs: one for each sweep that is not over."""

from textual.strip import Strip

from acceltui.runs.sweep_progress import COUNTED
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import DIM, ERROR, KEY, PLAIN, WARNING
from acceltui.tui.sweeps import SweepLine
from acceltui.tui.widgets.canvas import Canvas, Span, line

MOST_LINES = 4


class SweepLines(Canvas):
    """As many lines as there are sweeps, none where there is none."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, id="sweeps")
        self.sweeps: list[SweepLine] = []
        self.display = False

    def show(self, sweeps: list[SweepLine]) -> None:
        """Show a newer look at them."""
        if sweeps == self.sweeps:
            return
        if len(sweeps) != len(self.sweeps):
            self.display = bool(sweeps)
            self.styles.height = min(len(sweeps), MOST_LINES)
        self.sweeps = sweeps
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        shown = [line(spans_of(sweep), width) for sweep in self.sweeps[:height]]
        return [*shown, *[line([], width)] * height][:height]


def spans_of(sweep: SweepLine) -> list[Span]:
    """sweep compare  3 finished  2 running  7 waiting  0 failed"""
    spans: list[Span] = [(" sweep ", DIM), (sweep.name, KEY)]
    for state in COUNTED:
        count = sweep.counts[state]
        spans += [(f"  {count}", ERROR if state == "failed" and count else PLAIN), (f" {state}", DIM)]
    if sweep.state != "running":
        said = {"stopping": "stopping", "gone": "its coordinator is gone: call `accel sweep` again"}
        spans += [("  ", DIM), (said.get(sweep.state, sweep.state), WARNING)]
    return spans
