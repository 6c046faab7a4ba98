"""events.jsonl: what happened in a run, at which step, and who asked for it."""

from pathlib import Path
from time import time as now
from typing import Any

from acceltui.runs.jsonl import JsonlWriter


class EventWriter:
    """Appends events; read them with `JsonlReader`."""

    def __init__(self, path: Path) -> None:
        self._writer = JsonlWriter(path)

    def append(
        self, kind: str, message: str, *, step: int, by: str = "engine", time: float | None = None, **details: Any
    ) -> None:
        """Write one event; `message` is what a person reads, `details` what a script does. `time`: if not now."""
        when = now() if time is None else time
        self._writer.append({"time": when, "step": step, "kind": kind, "by": by, "message": message, **details})

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
