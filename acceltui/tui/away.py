"""What happened in a run since this person last looked at it."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

from acceltui.runs import wording
from acceltui.runs.folder import RunFolder
from acceltui.tui.watch import Event

SAY_EVERY = 30.0
"""Seconds after which it is noted again that someone looks: a line that drops says nothing."""


class Seen:
    """When this person last looked at a run, noted in the person's own state folder, never in the run's."""

    def __init__(self, folder: RunFolder) -> None:
        root = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        named = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:16]
        self._file = root / "accel" / "seen" / named
        self._noted = -SAY_EVERY

    def last(self) -> float | None:
        """The time of the last look; None before the first."""
        with contextlib.suppress(OSError):
            return self._file.stat().st_mtime
        return None

    def note(self, *, leaving: bool = False) -> None:
        """Someone looks now."""
        if leaving or time.monotonic() - self._noted >= SAY_EVERY:
            self._noted = time.monotonic()
            with contextlib.suppress(OSError):  # no home, or a full one: nobody is told what happened meanwhile
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.touch()


def meanwhile(events: Iterable[Event], since: float, now: float) -> str:
    """What happened after `since`, in a sentence; empty if nothing did that one would want to know."""
    new = [event for event in events if event.time > since]
    said = [f"{event.message} (at {wording.count(event.step)})" for event in new if event.kind == "switch"]
    said += [f"{event.message} (at {wording.count(event.step)})" for event in new if event.kind == "best"][-1:]
    for kind, one, many in (("warning", "warning", "warnings"), ("resume", "resume", "resumes")):
        if count := sum(event.kind == kind for event in new):
            said.append(f"{count} {one if count == 1 else many}")
    return f"While you were away ({wording.duration(now - since)}): {'; '.join(said)}." if said else ""
