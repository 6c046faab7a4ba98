"""A command to a living engine, and what becomes of it."""

import time
from dataclasses import dataclass

from acceltui.cli.follow import WITH_ENGINE, seen
from acceltui.runs.commands import SETTLED, TAKEN, requester, send_command, wait_for_ack, withdraw_command
from acceltui.runs.folder import RunFolder
from acceltui.runs.text import clean

TAKEN_WITHIN = 2.0
DONE_WITHIN = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    run: str
    kind: str
    id: str | None
    """None where none was sent."""
    state: str
    """`taken`, `done`, `refused` or `expired`, as the engine says; `withdrawn` where it said nothing, `lost` where it
    ended."""
    reason: str
    step: int


def carry_out(folder: RunFolder, kind: str, no_wait: bool) -> Outcome:
    """Send a command, and wait until the engine has settled it, or only taken it."""
    status, state = seen(folder)
    step = status.step if status else 0
    if status is None or state not in WITH_ENGINE:
        reason = f"{folder.name} is {clean(state)}: there is no engine to {kind}."
        return Outcome(folder.name, kind, None, "refused", reason, step)
    stage = status.stage if kind == "switch" else None
    id = send_command(folder, kind, by=requester(), expected_stage=stage)
    ack = wait_for_ack(folder, id, TAKEN_WITHIN, until=TAKEN)
    if ack is None:
        withdraw_command(folder, id)
        reason = f"{folder.name} did not take the command within {TAKEN_WITHIN:g} s; it is withdrawn."
        return Outcome(folder.name, kind, id, "withdrawn", reason, step)
    deadline = time.monotonic() + (0 if no_wait else DONE_WITHIN)
    while ack.state not in SETTLED and time.monotonic() < deadline:
        state = seen(folder)[1]
        ack = wait_for_ack(folder, id, timeout=0.5) or ack
        if ack.state not in SETTLED and state not in WITH_ENGINE:
            reason = f"{folder.name} is {clean(state)}: its engine ended over the command."
            return Outcome(folder.name, kind, id, "lost", reason, ack.step)
    return Outcome(folder.name, kind, id, clean(ack.state), clean(ack.reason), ack.step)


def sentence(outcome: Outcome) -> str:
    """An outcome for a person."""
    reason = f": {outcome.reason}" if outcome.reason else ""
    match outcome.state:
        case "taken" | "done":
            ongoing = "; the engine is at it" if outcome.state == "taken" else ""
            return f"{outcome.run}: {outcome.kind} {outcome.state} at step {outcome.step:,}{reason}{ongoing}"
        case _ if outcome.id is None or outcome.state in ("withdrawn", "lost"):
            return outcome.reason
        case _:
            return f"{outcome.run}: {outcome.kind} {outcome.state}{reason}"
