"""status.json: the engine's heartbeat, written whole about once a second."""

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from acceltui.runs.files import finite, read_regular, write_whole
from acceltui.runs.folder import RunFolder

LIVING = frozenset({"STARTING", "RUNNING", "EVALUATING", "PAUSED", "SWITCHING"})
ENDED = frozenset({"FINISHED", "STOPPED", "PREEMPTED", "FAILED"})
UNREADABLE = "UNREADABLE"
"""Shown for a run whose status.json cannot be understood."""
LARGEST_STATUS = 1 << 20
LARGEST = 1e30
"""Beyond it a number in a run folder counts as none."""


@dataclass(frozen=True)
class Status:
    """What an engine says of itself; what readers see of it is `liveness.observed_state`."""

    state: str
    stage: str = "accelerate"
    step: int = 0
    """Training environment steps over both stages and all environments."""
    pid: int | None = None
    """None until an engine has taken the folder."""
    pid_started: float | None = None
    """Start of that process, as `liveness.process_start` tells it; a pid alone is used again by other processes."""
    host: str = ""
    attempt: int = 1
    """1 at first, one more at each resume."""
    run: str = ""
    error: dict[str, str] | None = None
    """Why it FAILED: {"kind": "environment" | "device" | "diverged" | "unsaved" | "crash", "message": a sentence}."""
    progress: dict[str, Any] = field(default_factory=dict)
    time: float = 0.0
    """Wall seconds when it was written, by the host that wrote it."""


def this_host() -> str:
    """Name of this machine, as written into folders."""
    return os.uname().nodename


def write_status(folder: RunFolder, status: Status) -> None:
    """Put `status`, stamped with the time, in place of the one before."""
    document = finite(asdict(replace(status, time=time.time())))
    write_whole(folder.status, json.dumps(document, allow_nan=False).encode() + b"\n")


def read_status(folder: RunFolder) -> Status | None:
    """The newest status; None where there is none that can be read. Keys that are unknown here are left out."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = json.loads(read_regular(folder.status, LARGEST_STATUS)[0])
        if isinstance(document, dict) and well_typed(document):
            return Status(**{key: document[key] for key in TYPES if key in document})
    return None


TYPES: dict[str, tuple[type, ...]] = {
    "state": (str,),
    "stage": (str,),
    "step": (int,),
    "pid": (int, type(None)),
    "pid_started": (int, float, type(None)),
    "host": (str,),
    "attempt": (int,),
    "run": (str,),
    "error": (dict, type(None)),
    "progress": (dict,),
    "time": (int, float),
}
assert set(TYPES) == {entry.name for entry in fields(Status)}


def well_typed(document: dict[str, Any]) -> bool:
    """Whether each value has its field's type, and numbers a size: the file may have been written by anyone."""
    return "state" in document and all(
        isinstance(document[key], types)
        and not isinstance(document[key], bool)
        and (not isinstance(document[key], int | float) or abs(document[key]) < LARGEST)
        for key, types in TYPES.items()
        if key in document
    )
