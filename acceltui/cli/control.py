"""Commands to a living engine, the twins of the dashboard's keys."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acceltui.cli.parameters import Json, Plain, Run, RunsDir, columns, one_form

if TYPE_CHECKING:
    from acceltui.runs.folder import RunFolder

NoWait = Annotated[bool, typer.Option("--no-wait", help="Return when the engine has taken it.")]
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


def switch(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Switch a run to stage online now."""
    command("switch", run, runs_dir, no_wait, as_json, plain)


def stop(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Stop a run, a checkpoint first."""
    command("stop", run, runs_dir, no_wait, as_json, plain)


def pause(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Pause a run."""
    command("pause", run, runs_dir, no_wait, as_json, plain)


def unpause(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Let a paused run go on."""
    command("unpause", run, runs_dir, no_wait, as_json, plain)


def evaluate(
    run: Run = None,
    runs_dir: RunsDir = None,
    now: Annotated[bool, typer.Option("--now", help="Let the living engine do it.")] = False,
    no_wait: NoWait = False,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Evaluate the policies of a run."""
    if not now:
        raise typer.BadParameter("give --now: the living engine evaluates its policies.")
    command("evaluate", run, runs_dir, no_wait, as_json, plain)


def checkpoint(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Write a checkpoint of a run now."""
    command("checkpoint", run, runs_dir, no_wait, as_json, plain)


def command(kind: str, run: str | None, runs_dir: Path | None, no_wait: bool, as_json: bool, plain: bool) -> None:
    """Send a command, wait for what becomes of it and say so; exit code 3 when nothing does."""
    from acceltui.runs.paths import find_run, runs_root

    one_form(as_json, plain)
    folder = find_run(run, runs_root(runs_dir))
    outcome = carry_out(folder, kind, no_wait)
    happened = outcome.state in ("taken", "done")
    if as_json:
        typer.echo(json.dumps(asdict(outcome)))
    elif plain:
        typer.echo(columns(outcome.run, outcome.kind, outcome.state, outcome.step, outcome.reason))
    if not happened or not (as_json or plain):
        typer.echo(sentence(outcome), err=not happened)
    if not happened:
        raise typer.Exit(3)


def carry_out(folder: "RunFolder", kind: str, no_wait: bool) -> Outcome:
    """Send a command, and wait until the engine has settled it, or only taken it."""
    from acceltui.cli.follow import WITH_ENGINE, seen
    from acceltui.runs.commands import SETTLED, TAKEN, requester, send_command, wait_for_ack, withdraw_command
    from acceltui.runs.text import clean

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
