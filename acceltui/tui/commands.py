"""Commands to the engine as the dashboard sends them: what is said before, and what comes back."""

import asyncio
import getpass
import time
from collections.abc import AsyncIterator

from acceltui.runs.commands import SETTLED, Ack, read_ack, send_command
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import this_host
from acceltui.runs.text import clean
from acceltui.tui.watch import Snapshot

TAKEN_WITHIN = 2.0
"""Seconds in which a living engine takes a command."""
DONE_WITHIN = 60.0
"""Seconds the dashboard goes on looking for the end of a command that was taken."""
LOOK_EVERY = 0.1


def person() -> str:
    """Who sits here, as events name them: user@host."""
    try:
        return f"{getpass.getuser()}@{this_host()}"
    except (OSError, KeyError):  # a user id without a name, as containers have
        return f"someone@{this_host()}"


def why_not(kind: str, snapshot: Snapshot | None) -> str:
    """Why a command makes no sense now; empty when it does."""
    if snapshot is None:
        return f"{kind}: not sent, the run has not been read yet"
    if not snapshot.alive:
        return f"{kind}: not sent, the run is {snapshot.state} and no engine is there to take it"
    if kind == "switch" and snapshot.status.stage == "online":
        return f"switch: not sent, the run is in stage online since step {snapshot.progress.switch_step or 0:,.0f}"
    return ""


async def send_and_follow(folder: RunFolder, kind: str, stage: str | None) -> AsyncIterator[tuple[str, bool]]:
    """Send a command and tell what becomes of it: lines to show, and whether each is bad news."""
    try:
        id = send_command(folder, kind, by=person(), expected_stage=stage)
    except OSError as error:
        yield f"{kind}: not sent, {error.strerror} ({folder.commands})", True
        return
    yield f"{kind}: sent", False
    said: str | None = None
    start = time.monotonic()
    while time.monotonic() - start < (DONE_WITHIN if said else TAKEN_WITHIN):
        ack = read_ack(folder, id)
        if ack is not None and ack.state != said:
            said = ack.state
            yield describe(kind, ack), ack.state in ("refused", "expired")
        if said in SETTLED:
            return
        await asyncio.sleep(LOOK_EVERY)
    if said is None:
        yield f"{kind}: not taken within {TAKEN_WITHIN:.0f} s; it counts for a minute, the events will tell", True


def describe(kind: str, ack: Ack) -> str:
    """An answer of the engine in words."""
    match ack.state:
        case "taken":
            return f"{kind}: taken"
        case "done":
            return f"{kind}: done at step {ack.step:,}"
        case _:
            return clean(f"{kind}: {ack.state}" + (f", {ack.reason}" if ack.reason else ""))
