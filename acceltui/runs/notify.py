"""Telling a person that a run has finished, has crashed, or has switched stages.

The engine runs the person's hook; of an engine that was killed, the first watcher that sees it. What the hook is, the
person's settings.yaml alone says; the engine learns it from who starts it, by its environment.
"""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import acceltui
from acceltui.runs.files import is_ours, open_to_append
from acceltui.runs.folder import RunFolder
from acceltui.runs.settings import Event, Notify, load_settings
from acceltui.runs.status import Status
from acceltui.runs.text import clean

HOOK, HOOK_ON = "ACCEL_HOOK", "ACCEL_HOOK_ON"
EVENT_OF: dict[str, Event] = {
    "FINISHED": "finish",
    "STOPPED": "finish",
    "PREEMPTED": "finish",
    "FAILED": "crash",
    "CRASHED": "crash",
}
"""What it is that a run has come to a state."""
LONGEST_MESSAGE = 1000
RUN_HOOK = """
import sys
source = sys.argv.pop(1)
if source not in sys.path:
    sys.path.insert(0, source)
from acceltui.runs.hook import main
sys.exit(main())
"""


def notify(
    wanted: Notify,
    event: Event,
    folder: RunFolder,
    status: Status,
    message: str,
    engine: socket.socket | None = None,
) -> subprocess.Popen[bytes] | None:
    """Start the hook, if there is one for `event`, and leave it to itself: `hook.py` is the process.

    Where the hook fails, `engine` hears of it, or the events do where no engine listens. OSError where it cannot start.
    """
    if wanted.hook is None or event not in wanted.on:
        return None
    facts = {
        "ACCEL_EVENT": event,
        "ACCEL_RUN": folder.name,
        "ACCEL_RUN_PATH": str(folder.path),
        "ACCEL_STATE": clean(status.state),
        "ACCEL_STEP": str(status.step),
        "ACCEL_MESSAGE": clean(message)[:LONGEST_MESSAGE],
    }
    source = str(Path(acceltui.__file__).parents[1])
    log = open_to_append(folder.log)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", RUN_HOOK, source, wanted.hook],
            stdin=subprocess.DEVNULL if engine is None else engine.fileno(),
            stdout=log,
            stderr=log,
            cwd=folder.path.parent,
            env={**os.environ, **facts},
            start_new_session=True,
        )
    finally:
        os.close(log)


def notify_crash(wanted: Notify, folder: RunFolder, status: Status, message: str) -> None:
    """Run the hook for an engine that can do so no more: once for each attempt, however many watch it."""
    if wanted.hook is None or "crash" not in wanted.on or not is_ours(folder.path):
        return
    told = folder.path / f".crash-told-{status.attempt}"
    try:
        os.close(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        notify(wanted, "crash", folder, replace(status, state="CRASHED"), message)
    except OSError:  # another watcher has been quicker, or nothing can be written here
        return


def what_happened(before: tuple[str, str] | None, now: tuple[str, str]) -> Event | None:
    """What came between two looks at a run, each its observed state and its stage; nothing before the first."""
    if before is None or before[0] in EVENT_OF:
        return None
    if now[0] in EVENT_OF:
        return EVENT_OF[now[0]]
    return "switch" if (before[1], now[1]) == ("accelerate", "online") else None


def hook_environment() -> dict[str, str]:
    """What tells an engine which hook to run, whatever it would inherit. RecipeError for settings that are wrong."""
    wanted = load_settings().notify
    return {HOOK: wanted.hook or "", HOOK_ON: " ".join(wanted.on)}


def hook_of_environment() -> Notify:
    """The same, as the engine takes it: out of its environment, so that no other process sees it there."""
    hook, on = os.environ.pop(HOOK, None), os.environ.pop(HOOK_ON, "").split()
    return Notify(hook=hook or None, on=[event for event in get_args(Event) if event in on])


def signals(wanted: Notify, event: Event, message: str) -> str:
    """What to write to a terminal that watches, for those of bell and desktop notification that are wanted."""
    if event not in wanted.on:
        return ""
    return ("\a" if wanted.bell else "") + (osc9(message) if wanted.osc9 else "")


def osc9(text: str) -> str:
    """A desktop notification, for terminals that know OSC 9."""
    return f"\x1b]9;accel: {clean(text)[:LONGEST_MESSAGE]}\x07"
