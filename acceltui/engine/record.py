"""What the engine writes down: rows, events, TensorBoard files."""

import math
from collections.abc import Mapping
from typing import Any

from tensorboardX import SummaryWriter

from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsWriter


class Record:
    """The one writer of a run's metrics and events."""

    def __init__(self, folder: RunFolder, attempt: int, tensorboard: bool, since: int | None = None) -> None:
        """`since`: the step that a resumed run goes on from."""
        purge = None if since is None else since + 1
        self._metrics = MetricsWriter(folder.metrics, attempt)
        self._events = EventWriter(folder.events)
        self._tensorboard = (
            SummaryWriter(str(folder.tensorboard), flush_secs=10, purge_step=purge) if tensorboard else None
        )
        self._not_finite: set[str] = set()
        self.latest: dict[str, float] = {}
        """Newest value of each metric."""

    def row(self, step: int, stage: str, values: Mapping[str, float]) -> None:
        """One row of metrics.jsonl; the first time a name is not finite, an event says so."""
        self._metrics.append(step, stage, values)
        self.latest = {**self.latest, **values}
        for name, value in values.items():
            if self._tensorboard is not None:
                self._tensorboard.add_scalar(name, value, step)
            if not math.isfinite(value) and name not in self._not_finite:
                self._not_finite.add(name)
                self.event("warning", f"{name} is not finite", step=step, metric=name)

    def event(self, kind: str, message: str, *, step: int, by: str = "engine", **details: Any) -> None:
        """One line of events.jsonl, and of the log."""
        self._events.append(kind, message, step=step, by=by, **details)
        print(f"step {step:>9,}  {kind:<10} {message}", flush=True)

    def rewind(self, step: int) -> None:
        """Rows after `step` that earlier attempts wrote have not happened."""
        self._metrics.rewind(step)

    def close(self) -> None:
        """Flush and close all files."""
        self._metrics.close()
        self._events.close()
        if self._tensorboard is not None:
            self._tensorboard.close()
