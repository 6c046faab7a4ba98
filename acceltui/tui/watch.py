"""Follows a run folder for a dashboard; knows no widget."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.liveness import heartbeat_age, is_gone, observed_state
from acceltui.runs.metrics import MetricsReader
from acceltui.runs.progress import Progress, as_number, read_progress
from acceltui.runs.status import LIVING, Status, read_status, this_host
from acceltui.runs.text import clean
from acceltui.tui.series import History

INTERVAL = 0.5
"""Seconds between two looks."""
IDLE_INTERVAL = 1.0
"""The same where nothing happens by itself: the run is over, or paused."""
LOW_INTERVAL = 5.0
"""The same on a slow line."""
REMOTE_INTERVAL = 5.0
"""Seconds between two looks at the liveness of another host's run; each asks its file server for the time."""
EVENTS_KEPT = 500
EVENTS_READ = 1 << 20
"""Bytes at the end of events.jsonl that the first look reads, more than so many events take."""
LATEST = 4e9
"""Seconds after which no clock will show a time."""


@dataclass(frozen=True)
class Event:
    """One line of events.jsonl, safe to show."""

    time: float
    step: int
    kind: str
    by: str
    message: str


@dataclass(frozen=True)
class Snapshot:
    """A run as it was at one look."""

    status: Status
    state: str
    """As observed: also CRASHED and STALLED."""
    lag: float
    """Seconds since the last heartbeat."""
    progress: Progress
    history: History
    rows: int
    """Rows of metrics taken so far."""
    read: float
    """Share of metrics.jsonl that is taken; less than 1 while a long history is still coming in."""
    events: tuple[Event, ...]
    online_replay: int | None
    """Capacity of the replay of stage online, in transitions; None while the recipe is unread or cannot be read."""

    @property
    def alive(self) -> bool:
        """Whether an engine is there to take commands."""
        return self.state in LIVING


class Watch:
    """Reads a run folder again and again; one thread calls it, the snapshots may be read in another."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._metrics = MetricsReader(folder.metrics)
        self._event_lines = JsonlReader(folder.events, last=EVENTS_READ)
        self._history = History()
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._rows = 0
        self._polls = 0
        self._recipe_read = False
        self._online_replay: int | None = None
        self._status: Status | None = None
        self._life = ("STARTING", 0.0)
        self._next_life = 0.0
        self._progress_of: dict[str, Any] | None = None
        self._progress = read_progress({})

    def poll(self) -> Snapshot:
        """Read what is new since the last call."""
        self._polls += 1
        # Not before the whole history is on the screen, which a person waits for.
        if self._polls > 1 and self._metrics.share == 1 and not self._recipe_read:
            self._recipe_read = True
            self._online_replay = read_online_replay(self.folder)
        status = read_status(self.folder)
        if status is None:
            status = unwritten_status(self.folder)
            if is_gone(self.folder):
                status = gone(self.folder, self._status or status)
        self._status = status
        self._take_rows()
        self._take_events()
        if status.progress != self._progress_of:
            self._progress_of, self._progress = status.progress, read_progress(status.progress)
        status = replace(status, step=int(as_number(status.step) or 0))
        state, lag = self._look_for_life(status)
        return Snapshot(
            status=status,
            state=state,
            lag=lag,
            progress=self._progress,
            history=self._history,
            rows=self._rows,
            read=self._metrics.share,
            events=tuple(self._events),
            online_replay=self._online_replay,
        )

    def _take_rows(self) -> None:
        """Rows of metrics, of a long file no more than can be had before the next look; at the first look, a few."""
        until = time.monotonic() + (INTERVAL if self._polls > 1 else 0)
        while True:
            rows = self._metrics.poll()
            self._history.extend(rows)
            self._rows += len(rows)
            if self._metrics.share == 1 or time.monotonic() >= until:
                return

    def _take_events(self) -> None:
        lines = self._event_lines.poll()
        if self._event_lines.restarted:
            self._events.clear()
        self._events.extend(map(read_event, lines))

    def _look_for_life(self, status: Status) -> tuple[str, float]:
        if status.state not in LIVING:
            self._life = (status.state, 0.0)
        elif status.host == this_host():
            self._life = (observed_state(self.folder, status), heartbeat_age(self.folder, status))
        elif time.monotonic() >= self._next_life:
            self._next_life = time.monotonic() + REMOTE_INTERVAL
            self._life = self._look_from_afar(status)
        elif self._life[0] in LIVING:
            self._life = (status.state, self._life[1])  # that it pauses, say, needs no look at a clock
        return self._life

    def _look_from_afar(self, status: Status) -> tuple[str, float]:
        try:
            return observed_state(self.folder, status), heartbeat_age(self.folder, status)
        except OSError:  # a folder one may only read, or a file server that is away: the next look tells
            return self._life


def unwritten_status(folder: RunFolder) -> Status:
    """For a folder whose status is not there yet, or cannot be read at this moment."""
    return Status(state="STARTING", run=folder.name, host=this_host(), time=time.time())


def gone(folder: RunFolder, last: Status) -> Status:
    """For a folder that is no longer there: the end of a run, whose engine ends too when it notices."""
    message = f"{folder.path} was deleted or moved away"
    return replace(last, state="FAILED", error={"kind": "folder", "message": message})


def read_event(line: dict[str, Any]) -> Event:
    """An event for showing; what is missing or of the wrong type is empty."""
    when, step = as_number(line.get("time")) or 0.0, as_number(line.get("step")) or 0.0
    return Event(
        time=when if 0 <= when < LATEST else 0.0,
        step=int(step),
        kind=clean(line.get("kind") or ""),
        by=clean(line.get("by") or ""),
        message=clean(line.get("message") or ""),
    )


def read_online_replay(folder: RunFolder) -> int | None:
    """`online.replay` of the resolved recipe; None where there is none that can be read."""
    from acceltui.recipe.errors import RecipeError  # pydantic and yaml: 0.15 s, a sixth of all that starting takes
    from acceltui.recipe.resolved import load_resolved

    try:
        return load_resolved(folder.resolved).online.replay
    except (OSError, RecipeError):
        return None


class WatchThread(threading.Thread):
    """Looks again and again, at once where `look` says that there is more to see.

    A daemon: a file server that hangs delays neither drawing nor leaving.
    """

    def __init__(self, look: Callable[[], bool], interval: float = INTERVAL) -> None:
        super().__init__(name="watch", daemon=True)
        self._look = look
        self.interval = interval
        self._stop_asked = False
        self._awake = threading.Event()

    def run(self) -> None:
        while not self._stop_asked:
            self._awake.clear()
            if not self._look() and not self._stop_asked:
                self._awake.wait(self.interval)

    def look_soon(self) -> None:
        """Look once more without waiting for the time."""
        self._awake.set()

    def stop(self) -> None:
        """Ask for the end; does not wait for it."""
        self._stop_asked = True
        self._awake.set()
