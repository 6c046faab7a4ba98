"""Whether a run lives: what its status says, held against the process and the heartbeat."""

import os
import time

import psutil

from acceltui.runs.files import READ_FLAGS, folder_clock
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import LIVING, Status, read_status, this_host

STALE_AFTER = 15.0
"""Seconds without a heartbeat after which a run is STALLED."""
START_WITHIN = 60.0
"""Seconds a new run may wait for its engine's process."""
START_TOLERANCE = 2.0
"""Seconds by which two readings of one process's start may differ: it is derived from a clock that is corrected."""


def observed_state(folder: RunFolder, status: Status, now: float | None = None) -> str:
    """`status.state`, or CRASHED (its process is gone) or STALLED (no heartbeat for 15 s).

    `now`: seconds by the clock that stamped the status: this host's for a run of this host, else the folder's own.
    """
    if status.state not in LIVING:
        return status.state
    age = heartbeat_age(folder, status, now)
    if status.pid is None:
        return "CRASHED" if age > START_WITHIN else status.state
    if status.host == this_host() and not process_lives(status.pid, status.pid_started):
        # The engine may have written its last status and ended after this one was read.
        latest = read_status(folder)
        return latest.state if latest is not None and latest.state not in LIVING else "CRASHED"
    return "STALLED" if age > STALE_AFTER else status.state


def is_alive(folder: RunFolder, status: Status) -> bool:
    """Whether an engine is there to take commands."""
    return observed_state(folder, status) in LIVING


def process_lives(pid: int, started: float | None) -> bool:
    """Whether the process that had `pid` and start time `started` still runs on this host; a zombie does not."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return started is None or abs(process.create_time() - started) <= START_TOLERANCE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True


def own_start() -> float:
    """Start time of this process, for `Status.pid_started`."""
    return psutil.Process().create_time()


def heartbeat_age(folder: RunFolder, status: Status, now: float | None = None) -> float:
    """Seconds since the status was written, both times by one clock: two hosts' clocks may differ by minutes."""
    if status.host == this_host():
        return (time.time() if now is None else now) - status.time
    return (folder_time(folder) if now is None else now) - status_stamp(folder)


def status_stamp(folder: RunFolder) -> float:
    """When the folder's clock stamped the status. The file is opened so that a network file system asks its server."""
    try:
        descriptor = os.open(folder.status, READ_FLAGS)
    except OSError:
        return 0.0
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


def folder_time(folder: RunFolder) -> float:
    """The folder's clock, or this host's where one may only look."""
    try:
        return folder_clock(folder.path)
    except OSError:
        return time.time()
