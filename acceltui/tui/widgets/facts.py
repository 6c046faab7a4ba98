"""The small panels: buffers, speed, machine; and their one-line form for small terminals."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

from textual.strip import Strip

from acceltui.runs import wording
from acceltui.runs.progress import Amount, Progress
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import BANDS, DIM, DONE, PLAIN, REST, SHADES
from acceltui.tui.watch import Snapshot
from acceltui.tui.widgets.canvas import Canvas, Panel, Span, both_ends, length, line

SEGMENTS = (
    (("environment",), "env"),
    (("update",), "update"),
    (("cloning",), "clone"),
    (("evaluation",), "eval"),
    (("saving", "idle"), "other"),
)
"""Where time goes: which parts a segment of the bar stands for, and its name."""


class Facts(Panel, can_focus=False):
    """A panel of a few lines about the newest snapshot."""

    snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer look at the run."""
        self.snapshot = snapshot
        self.repaint()

    def content(self, width: int, height: int) -> list[Strip]:
        lines = self.facts(self.snapshot, width) if self.snapshot else []
        return [*lines, *[line([], width)] * height][:height]

    def facts(self, snapshot: Snapshot, width: int) -> list[Strip]:
        """Lines of `width` cells."""
        raise NotImplementedError


class Buffers(Facts):
    """How full the replay is, what cloning draws from, and where that comes from."""

    def remark(self) -> list[Span]:
        if self.snapshot is None:
            return []
        return [(wording.count(self.snapshot.progress.total_steps), PLAIN), (" steps in all", DIM)]

    def facts(self, snapshot: Snapshot, width: int) -> list[Strip]:
        progress = snapshot.progress
        return [
            self._bar("replay", progress.replay, width),
            self._bar("windows", progress.windows, width),
            line(self._source(progress, width), width),
        ]

    def _source(self, progress: Progress, width: int) -> list[Span]:
        """What fills the windows."""
        of = wording.count(progress.windows.of)
        said = {
            "replay": (f"the newest {of} of the replay", "newest of the replay"),
            "rollouts": ("the accelerator's rollouts", "rollouts"),
        }.get(progress.windows_from, ())
        name = " from    "
        return (
            [(name, DIM), (next((text for text in said if len(name + text) <= width), said[-1]), PLAIN)] if said else []
        )

    def _bar(self, name: str, amount: Amount, width: int) -> Strip:
        if amount.of <= 0:
            return line([(f" {name:<8}", DIM), ("none", DIM)], width)
        size, of = wording.count(amount.size), wording.count(amount.of)
        figures = f" {wording.percent(amount.size, amount.of):3}% {size + '/' + of:>11} "
        room = max(width - 9 - len(figures), 0)
        filled = wording.bar(amount.size, amount.of, room)
        full, empty = self.glyphs.full * filled, self.glyphs.empty * (room - filled)
        return line([(f" {name:<8}", DIM), (full, DONE), (empty, REST), (figures, PLAIN)], width)


class Speed(Facts):
    """Environment steps and updates a second, with their recent past; where time goes, and what evaluation takes."""

    def show(self, snapshot: Snapshot) -> None:
        if self.snapshot and self.snapshot.progress.time and snapshot.progress.paused:
            # What a pause takes is no news, and would be sent each second.
            progress = replace(snapshot.progress, time=self.snapshot.progress.time)
            snapshot = replace(snapshot, progress=progress)
        super().show(snapshot)

    def remark(self) -> list[Span]:
        """What evaluation takes, of time and of environment steps."""
        if self.snapshot is None:
            return []
        spent, steps = self.snapshot.progress.time.get("evaluation"), self.snapshot.progress.evaluation_share
        of_time = "" if spent is None else f"{spent:.0%}"
        of_steps = "" if steps is None else f"{steps:.0%} of steps"
        both = f"{of_time} time, {of_steps}"
        if of_time and of_steps and len(both) + 18 <= self.size.width:
            return [("eval ", DIM), (both, PLAIN)]
        return [("eval ", DIM), (f"{of_time} of time" if of_time else of_steps or "-", PLAIN)]

    def facts(self, snapshot: Snapshot, width: int) -> list[Strip]:
        progress, history = snapshot.progress, snapshot.history
        divider = self.glyphs.vertical if self.app.no_color else " "
        return [
            self._rate("env steps", progress.steps_per_s, history.view("speed/steps")[1][-80:].tolist(), width),
            self._rate("updates", progress.updates_per_s, history.view("speed/updates")[1][-80:].tolist(), width),
            line([(" time ", DIM), *stacked(progress.time, width - 7, divider)], width),
        ]

    def _rate(self, name: str, rate: float, past: list[float], width: int) -> Strip:
        left: list[Span] = [(f" {name:<11}", DIM), (f"{wording.value(rate):>6}", PLAIN), ("/s  ", DIM)]
        return line([*left, (sparkline(past, width - length(left) - 1, self.glyphs), BANDS[0])], width)


def stacked(shares: Mapping[str, float], width: int, divider: str) -> list[Span]:
    """A bar of `width` cells in which each segment is as long as its share, and has its name where there is room;
    `divider` ends all but the last.
    """
    if not shares:
        return [("-", DIM)]
    spans: list[Span] = []
    begin, total = 0, 0.0
    for (parts, name), shade in zip(SEGMENTS, SHADES, strict=True):
        share = sum(shares.get(part, 0.0) for part in parts)
        total += share
        cells = max(round(total * width) - begin, 0)
        begin += cells
        text = next((text for text in (f"{name} {share:.0%}", name) if len(text) < cells), "")
        spans += [(text.ljust(cells - 1), shade), (divider if begin < width else " ", shade)] if cells else []
    return spans


class Machine(Facts):
    """What the engine uses, and its newest checkpoint."""

    def facts(self, snapshot: Snapshot, width: int) -> list[Strip]:
        progress, checkpoint = snapshot.progress, snapshot.progress.checkpoint
        used: list[Span] = [
            (" cpu ", DIM),
            (wording.cpu(progress.cpu), PLAIN),
            ("  rss ", DIM),
            (_memory(progress.rss), PLAIN),
            ("  disk ", DIM),
            (_memory(progress.disk_free), PLAIN),
        ]
        if length(used) + 5 <= width:
            used.append((" free", DIM))
        saved: list[Span] = [(" checkpoint ", DIM), ("none yet", DIM)]
        if checkpoint:
            # By the engine's own clock while it runs: another host's may be an hour off.
            now = snapshot.status.time + snapshot.lag if snapshot.alive else time.time()
            age = wording.duration(60 * ((now - checkpoint.time) // 60))
            saved = [(" checkpoint ", DIM), (wording.count(checkpoint.step), PLAIN), (f", {age} ago", DIM)]
        return [line(used, width), line([(" gpu ", DIM), (progress.gpu or "none", PLAIN)], width), line(saved, width)]


def _memory(size: float) -> str:
    return wording.memory(size) if math.isfinite(size) else "-"


def sparkline(values: list[float], width: int, glyphs: Glyphs) -> str:
    """The last `width` values, one character each; their largest leaves a quarter of the height free."""
    recent = [value for value in values[-width:] if math.isfinite(value)] if width > 0 else []
    top = max(recent, default=0.0)
    if top <= 0:
        return ""
    levels = len(glyphs.spark) - 1
    return "".join(glyphs.spark[min(max(round(0.75 * value / top * levels), 0), levels)] for value in recent)


class Values(Canvas):
    """The newest values in few lines, where there is no room for the panels."""

    snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer look at the run."""
        self.snapshot = snapshot
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        lines: list[list[Span]] = [[]]
        for name, text in self._pairs():
            pair = [(f" {name} ", DIM), (text, PLAIN), (" ", PLAIN)]
            if lines[-1] and length(lines[-1]) + length(pair) > width:
                lines.append([])
            lines[-1] += pair
        strips = [both_ends(spans, [], width) for spans in lines]
        return [*strips, *[line([], width)] * height][:height]

    def _pairs(self) -> list[tuple[str, str]]:
        snapshot = self.snapshot
        if snapshot is None:
            return []
        progress, last = snapshot.progress, snapshot.history.last
        marks = self.glyphs.markers
        return [
            (f"{marks[0]} acc", wording.value(last("accelerator/return"))),
            (f"{marks[1]} tra", wording.value(last("transformer/return"))),
            ("critic", wording.value(last("loss/critic"))),
            ("clone", wording.value(last("loss/clone"))),
            ("env/s", wording.value(progress.steps_per_s)),
            ("replay", f"{wording.percent(progress.replay.size, progress.replay.of)}%"),
            ("rss", _memory(progress.rss)),
        ]
