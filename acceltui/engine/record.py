"""What the engine writes down: rows, events, TensorBoard files."""

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from acceltui.engine.tensorboard import TensorBoard
from acceltui.runs import wording
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsWriter

KEPT = 10_000
"""Of what a full disk does not take, the newest that are held in memory."""


class Record:
    """The one writer of a run's metrics and events. What the disk does not take is written, in order, once it does."""

    def __init__(self, folder: RunFolder, attempt: int, tensorboard: bool, since: int | None = None) -> None:
        """`since`: the step that a resumed run goes on from. OSError where nothing can be written."""
        self._metrics = MetricsWriter(folder.metrics, attempt)
        self._events = EventWriter(folder.events)
        self._tensorboard = TensorBoard(folder.tensorboard, since) if tensorboard else None
        self._waiting: deque[Callable[[], None]] = deque()
        self._lost = 0
        self._failing: tuple[float, str] | None = None
        """Since when the disk has taken nothing, and what it said."""
        self._not_finite: set[str] = set()
        self.latest: dict[str, float] = {}
        """Newest value of each metric."""

    def row(self, step: int, stage: str, values: Mapping[str, float]) -> None:
        """One row of metrics.jsonl; the first time a name is not finite, an event says so."""
        now = time.time()
        self._write(partial(self._metrics.append, step, stage, values, now), step)
        if self._tensorboard is not None:
            self._write(partial(self._tensorboard.row, step, values, now), step)
        self.latest = {**self.latest, **values}
        for name, value in values.items():
            if not math.isfinite(value) and name not in self._not_finite:
                self._not_finite.add(name)
                self.event("warning", f"{name} is not finite", step=step, metric=name)

    def event(self, kind: str, message: str, *, step: int, by: str = "engine", **details: Any) -> None:
        """One line of events.jsonl, and of the log."""
        now = time.time()
        self._write(partial(self._events.append, kind, message, step=step, by=by, time=now, **details), step)
        print(f"step {step:>9,}  {kind:<10} {message}", flush=True)

    def rewind(self, step: int) -> None:
        """Rows after `step` that earlier attempts wrote have not happened. OSError where that cannot be written."""
        self._metrics.rewind(step)

    def close(self) -> None:
        """Write what is left and close all files."""
        self._catch_up()
        if self._waiting and self._failing is not None:
            left = len(self._waiting) + self._lost
            print(f"{left:,} rows and events could not be written: {self._failing[1]}", file=sys.stderr, flush=True)
        self._metrics.close()
        self._events.close()
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _write(self, append: Callable[[], None], step: int) -> None:
        self._waiting.append(append)
        self._catch_up()
        if len(self._waiting) > KEPT:
            self._waiting.popleft()
            self._lost += 1
        if self._failing is not None and not self._waiting:
            (since, why), lost = self._failing, self._lost
            self._failing, self._lost = None, 0
            silent = wording.duration(time.monotonic() - since)
            message = f"for {silent} the disk did not take what there was to write: {why}; it is written now"
            self.event("warning", message + (f", but for {lost:,} lines" if lost else ""), step=step)

    def _catch_up(self) -> None:
        """Write as much of what waits as the disk takes."""
        try:
            while self._waiting:
                self._waiting[0]()
                self._waiting.popleft()
        except OSError as error:
            if self._failing is None:
                self._failing = time.monotonic(), error.strerror or str(error)
                print(f"rows and events wait in memory: {error}", file=sys.stderr, flush=True)
