"""Whether a run lives: what its status says, held against the process and the heartbeat."""

import os
import sys
import time
from pathlib import Path

import psutil

from acceltui.runs.files import READ_FLAGS, folder_clock
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import LIVING, Status, read_status, this_host

STALE_AFTER = 15.0
"""Seconds without a heartbeat after which a run is STALLED."""
START_WITHIN = 60.0
"""Seconds a new run may wait for its engine's process."""
START_TOLERANCE = 0.0 if sys.platform.startswith("linux") else 2.0
"""Seconds by which two readings of one process's start may differ, where it is told by a clock that is corrected."""


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


def is_gone(folder: RunFolder) -> bool:
    """Whether there is no folder any more where a run was; of one that cannot be reached nobody knows."""
    try:
        folder.path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def process_lives(pid: int, started: float | None) -> bool:
    """Whether the process that had `pid` and start time `started` still runs on this host; a zombie does not."""
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        return started is None or abs(process_start(pid) - started) <= START_TOLERANCE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True


def own_start() -> float:
    """Start time of this process, for `Status.pid_started`."""
    return process_start(os.getpid())


def process_start(pid: int) -> float:
    """When a process started; psutil.NoSuchProcess where there is none.

    On Linux in seconds since the host booted, as the kernel counts them: psutil adds the time of boot, which is moved
    whenever the clock is set.
    """
    if not sys.platform.startswith("linux"):
        return psutil.Process(pid).create_time()
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    # The name, in parentheses, may hold anything; the start is field 22, and two are before that name's end.
    return int(line[line.rindex(b")") + 1 :].split()[19]) / os.sysconf("SC_CLK_TCK")


def heartbeat_age(folder: RunFolder, status: Status, now: float | None = None) -> float:
    """Seconds since the status was written, both times by one clock: two hosts' clocks may differ by minutes.

    A status from the future was written before that clock was set back, which counts as long ago: a living engine
    writes the next one within a second.
    """
    if status.host == this_host():
        return abs((time.time() if now is None else now) - status.time)
    stamp = status_stamp(folder)
    try:
        return abs((folder_clock(folder.path) if now is None else now) - stamp)
    except OSError:  # where one may only look, this host's clock has to do, and says nothing of the other's future
        return max(time.time() - stamp, 0.0)


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
