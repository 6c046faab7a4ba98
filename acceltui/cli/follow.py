"""A run as plain lines, for pipes and batch logs: every event, and every 10 s how far it is."""

import time
from typing import Any

import typer

from acceltui.cli.show import RETURNS, UNREADABLE, latest, steps
from acceltui.runs import wording
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.liveness import is_gone, observed_state
from acceltui.runs.progress import read_progress
from acceltui.runs.status import LIVING, Status, read_status
from acceltui.runs.text import clean

LOOK_EVERY = 0.5
PROGRESS_EVERY = 10.0
WITH_ENGINE = LIVING | {"STALLED"}
"""States in which a process is there, though it may not answer."""


def follow(folder: RunFolder) -> str:
    """Print what happens until the run has ended; gives the state it ended in."""
    from acceltui.runs.notify import notify_crash  # slow to import, and of no use to commands
    from acceltui.runs.settings import load_settings

    events, wanted = JsonlReader(folder.events), load_settings().notify
    lived = False
    said, next_said = "", time.monotonic()
    warned = False
    while True:
        status, state = seen(folder)
        for event in events.catch_up():
            typer.echo(event_line(event))
        if status is not None and time.monotonic() >= next_said and (line := progress_line(status)) != said:
            typer.echo(f"{wording.clock(time.time(), with_seconds=True)} {line}")
            said, next_said = line, time.monotonic() + PROGRESS_EVERY
        if state == "STALLED" and not warned:
            typer.echo(f"{folder.name} is STALLED: no heartbeat for 15 s; waiting.", err=True)
        warned = state == "STALLED"
        if state not in WITH_ENGINE:
            message = last_line(folder, status, state)
            typer.echo(message)
            if lived and state == "CRASHED" and status is not None:
                notify_crash(wanted, folder, status, message)
            return state
        lived = True
        time.sleep(LOOK_EVERY)


def seen(folder: RunFolder) -> tuple[Status | None, str]:
    """The status of a run and the state it is in; a run whose folder is gone has crashed."""
    status = read_status(folder)
    if status is None:
        return None, "CRASHED" if is_gone(folder) else UNREADABLE
    return status, observed_state(folder, status)


def event_line(event: dict[str, Any]) -> str:
    """One event; the file may have been written by anyone."""
    when = event.get("time")
    at = wording.clock(when, with_seconds=True) if isinstance(when, int | float) and 0 <= when < 4e9 else "--:--:--"
    by = "" if event.get("by") in (None, "engine") else f" (by {clean(event['by'])})"
    return f"{at} {clean(event.get('kind', '?'))}: {clean(event.get('message', ''))}{by}"


def progress_line(status: Status) -> str:
    """How far a run is and how it goes."""
    progress = read_progress(status.progress)
    parts = [f"{clean(status.state)} {clean(status.stage)} step {steps(status)}"]
    parts += [f"{name.partition('/')[0]} {shown}" for name, shown in latest(status, RETURNS) if shown != "-"]
    parts += [f"{name} {shown}" for name, shown in latest(status, LOSSES) if shown != "-"]
    if progress.steps_per_s == progress.steps_per_s:
        parts.append(f"{wording.value(progress.steps_per_s)} steps/s")
    if progress.eta_s is not None:
        parts.append(f"ETA {wording.duration(progress.eta_s)}")
    return "  ".join(parts)


LOSSES = ("loss/critic", "loss/clone")


def last_line(folder: RunFolder, status: Status | None, state: str) -> str:
    """How a run ended, and why."""
    name, state = clean(folder.name), clean(state)
    if is_gone(folder):
        return f"{name} is gone: {clean(folder.path)} was deleted or moved away, and its engine ends."
    error = clean(status.error.get("message") or "") if status and status.error else ""
    if state == "CRASHED" and not error:
        error = f"its process is gone; `accel log {name}` has its last words."
    return wording.ending(name, state, status.step if status else None, error)
