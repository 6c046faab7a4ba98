"""The two lines at the top: which run, in which state, how far; and one more when it no longer runs."""

import time

from rich.style import Style
from textual.strip import Strip

from acceltui.runs import wording
from acceltui.runs.progress import Amount
from acceltui.runs.status import this_host
from acceltui.runs.text import clean
from acceltui.tui.palette import DIM, DONE, ERROR, KEY, PLAIN, REST, STRONG, WARNING
from acceltui.tui.watch import Snapshot
from acceltui.tui.widgets.canvas import Canvas, Span, both_ends, length, line

STATE_STYLES = {
    "RUNNING": KEY,
    "EVALUATING": KEY,
    "SWITCHING": KEY,
    "STARTING": DIM,
    "PAUSED": WARNING,
    "STALLED": WARNING,
    "PREEMPTED": WARNING,
    "FAILED": ERROR,
    "CRASHED": ERROR,
}
LEAST_FOR_ETA = 36
"""Cells from which on there is room for the time that remains."""
STAGES = {"accelerate": 1, "online": 2}


def state_style(state: str) -> Style:
    """The style of a state's name and dot."""
    return STATE_STYLES.get(state, STRONG)


class Header(Canvas):
    """Name, state, stage, heartbeat and clock; below them a bar for each stage and the time that remains."""

    snapshot: Snapshot | None = None
    run_title = ""
    read_only = False

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer look at the run."""
        self.snapshot = snapshot
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [self._first(width), self._second(width), *[line([], width)] * (height - 2)][:height]

    def _first(self, width: int) -> Strip:
        snapshot, name = self.snapshot, clean(self.run_title)
        left: list[Span] = [(f" accel {self.glyphs.prompt} ", DIM), (name, STRONG)]
        left += [("  read-only", DIM)] if self.read_only else []
        if snapshot is None:
            return line(left, width)
        style = state_style(snapshot.state)
        state: list[Span] = [(f"{self.glyphs.dot} {clean(snapshot.state)}", style)]
        stage = self._stage(snapshot)
        extra = self._extra(snapshot)
        reading = self._reading(snapshot)
        for right in ([*state, *stage, *(reading or extra)], [*state, *(reading or stage)], state):
            if length(left) + length(right) + 4 <= width:
                return both_ends(left, [*right, (" ", PLAIN)], width)
        return both_ends(left, [("  ", PLAIN), *state, (" ", PLAIN)], width)

    def _stage(self, snapshot: Snapshot) -> list[Span]:
        stage = clean(snapshot.status.stage)
        both = snapshot.progress.accelerate.of > 0 and snapshot.progress.online.of > 0
        which = f"stage {STAGES.get(stage, '?')}/2 " if both else "stage "
        return [("   " + which, DIM), (stage, PLAIN)]

    def _extra(self, snapshot: Snapshot) -> list[Span]:
        now: list[Span] = [("   ", DIM), (wording.clock(time.time()), DIM)]
        if not snapshot.alive:
            return now
        lag, cpu = wording.lag(snapshot.lag), wording.cpu(snapshot.progress.cpu)
        return [("   lag ", DIM), (lag, PLAIN), ("   cpu ", DIM), (f"{cpu:>4}", PLAIN), *now]

    def _reading(self, snapshot: Snapshot) -> list[Span]:
        """How much of a long history is on the screen, until all of it is."""
        return [(f"   reading history {wording.percent(snapshot.read, 1)}%", DIM)] if snapshot.read < 1 else []

    def _second(self, width: int) -> Strip:
        snapshot = self.snapshot
        if snapshot is None:
            return line([(" looking at the run folder", DIM)], width)
        progress, stage = snapshot.progress, snapshot.status.stage
        parts = [
            (name, amount, stage == name)
            for name, amount in (("accelerate", progress.accelerate), ("online", progress.online))
            if amount.of > 0
        ]
        eta = progress.eta_s
        tail: list[Span] = []
        if snapshot.alive and eta is not None and width >= LEAST_FOR_ETA:
            tail = [("  ETA ", DIM), (f"{wording.duration(eta):>6} ", PLAIN)]
        if not parts:
            return both_ends([(f" step {wording.count(snapshot.status.step)}", PLAIN)], tail, width)
        room = width - length(tail) - 1
        if width < 70:
            parts = [part for part in parts if part[2]] or parts[-1:]
        each = room // len(parts)
        spans: list[Span] = [(" ", PLAIN)]
        for index, (name, amount, current) in enumerate(parts):
            spans += self._bar(name, amount, current, each - (2 if index + 1 < len(parts) else 0))
            spans += [("  ", PLAIN)] if index + 1 < len(parts) else []
        return both_ends(spans, tail, width)

    def _bar(self, name: str, amount: Amount, current: bool, width: int) -> list[Span]:
        done, of = wording.count(amount.size), wording.count(amount.of)
        figures = f" {wording.percent(amount.size, amount.of):3}% {done}/{of}".ljust(17)
        room = width - len(name) - 1 - len(figures)
        if room < 4:
            short = figures if room >= -1 else figures[:5]
            return [(f"{name}{short}".ljust(width)[:width], PLAIN if current else DIM)]
        filled = wording.bar(amount.size, amount.of, room)
        return [
            (name + " ", STRONG if current else DIM),
            (self.glyphs.full * filled, DONE),
            (self.glyphs.empty * (room - filled), REST),
            (figures, PLAIN if current else DIM),
        ]


def why_not_running(snapshot: Snapshot) -> str:
    """A sentence on a run that no longer runs; empty while it does."""
    status, step = snapshot.status, f"step {snapshot.status.step:,}"
    match snapshot.state:
        case "FAILED":
            error = status.error or {}
            message = clean(error.get("message") or "no reason was written; see the log (key l)")
            return f"FAILED at {step} ({clean(error.get('kind') or 'crash')}): {message}"
        case "CRASHED":
            return f"CRASHED at {step}: its process (pid {status.pid}) is gone; the log (key l) may tell why."
        case "STALLED":
            silent, pid = wording.lag(snapshot.lag), status.pid
            if status.host == this_host():
                what = f"pid {pid} is stopped or stuck: kill -CONT {pid}, or kill -9 {pid} and accel resume."
            else:
                what = f"{clean(status.host)} or its file server may be away."
            return f"STALLED at {step}: no heartbeat for {silent}; {what}"
        case "FINISHED":
            return f"FINISHED at {step}."
        case "STOPPED":
            return f"STOPPED on request at {step}."
        case "PREEMPTED":
            return f"PREEMPTED at {step}: the batch system took the machine."
    return ""
