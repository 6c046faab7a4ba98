"""The process that runs a person's hook: beside the engine, which it neither delays nor ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError

FAILED = b"!"
"""What the engine hears of a hook that failed."""
LIMIT = 60.0
"""Seconds that a hook may take."""
ENGINE_GOES = 20.0
"""Seconds in which an engine that listens no more is gone."""


def main() -> int:
    """Run the command line that is the one argument; gives 1 where it failed and no event could say so."""
    event = os.environ["ACCEL_EVENT"]
    wrong = run(sys.argv[1], LIMIT)
    if not wrong:
        return 0
    sentence = failed(event, wrong)
    print(sentence, flush=True)
    if engine_hears():
        return 0
    # Events have one writer, who holds the folder's lock: an engine that lives, or nobody.
    folder = RunFolder(Path(os.environ["ACCEL_RUN_PATH"]))
    with contextlib.suppress(RunError, OSError), engine_lock(folder, ENGINE_GOES):
        events = EventWriter(folder.events)
        events.append("warning", sentence, step=int(os.environ["ACCEL_STEP"]), by="hook")
        events.close()
        return 0
    return 1


def run(command: str, limit: float) -> str:
    """Run a command line to its end, or to its limit with all that it has started; gives a clause on what was wrong."""
    process = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"it took more than {limit:g} s and was ended"
    return "" if code == 0 else f"exit code {code}" if code > 0 else f"signal {-code}"


def engine_hears() -> bool:
    """Tell the engine by standard input, which is a socket then; False where none started this, or listens no more."""
    try:
        with socket.socket(fileno=0) as engine:
            engine.send(FAILED)
    except OSError:
        return False
    return True


def failed(event: str, wrong: str = "") -> str:
    """The event that a hook which failed leaves."""
    return f"the hook for {event} failed{wrong and f': {wrong}'}; engine.log has what it printed"
