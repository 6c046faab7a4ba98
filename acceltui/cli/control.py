"""Commands to a living engine, the twins of the dashboard's keys."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from acceltui.cli.parameters import Run, RunsDir

if TYPE_CHECKING:
    from acceltui.runs.commands import Ack
    from acceltui.runs.folder import RunFolder

NoWait = Annotated[bool, typer.Option("--no-wait", help="Return when the engine has taken it.")]
TAKEN_WITHIN = 2.0
DONE_WITHIN = 60.0


def switch(run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False) -> None:
    """Switch a run to stage online now."""
    command("switch", run, runs_dir, no_wait)


def stop(run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False) -> None:
    """Stop a run, a checkpoint first."""
    command("stop", run, runs_dir, no_wait)


def pause(run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False) -> None:
    """Pause a run."""
    command("pause", run, runs_dir, no_wait)


def unpause(run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False) -> None:
    """Let a paused run go on."""
    command("unpause", run, runs_dir, no_wait)


def evaluate(
    run: Run = None,
    runs_dir: RunsDir = None,
    now: Annotated[bool, typer.Option("--now", help="Let the living engine do it.")] = False,
    no_wait: NoWait = False,
) -> None:
    """Evaluate the policies of a run."""
    if not now:
        raise typer.BadParameter("give --now: the living engine evaluates its policies.")
    command("evaluate", run, runs_dir, no_wait)


def checkpoint(run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False) -> None:
    """Write a checkpoint of a run now."""
    command("checkpoint", run, runs_dir, no_wait)


def command(kind: str, run: str | None, runs_dir: Path | None, no_wait: bool) -> None:
    """Send a command, wait for what becomes of it and say so; exit code 3 when nothing does."""
    from acceltui.cli.follow import WITH_ENGINE, seen
    from acceltui.runs.commands import TAKEN, requester, send_command, wait_for_ack, withdraw_command
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.runs.text import clean

    folder = find_run(run, runs_root(runs_dir))
    status, state = seen(folder)
    if status is None or state not in WITH_ENGINE:
        refuse(f"{folder.name} is {clean(state)}: there is no engine to {kind}.")
    stage = status.stage if kind == "switch" else None
    id = send_command(folder, kind, by=requester(), expected_stage=stage)
    ack = wait_for_ack(folder, id, TAKEN_WITHIN, until=TAKEN)
    if ack is None:
        withdraw_command(folder, id)
        refuse(f"{folder.name} did not take the command within {TAKEN_WITHIN:g} s; it is withdrawn.")
    if not no_wait:
        ack = wait_until_settled(folder, id) or ack
    reason = f": {clean(ack.reason)}" if ack.reason else ""
    if ack.state in ("refused", "expired"):
        refuse(f"{folder.name}: {kind} {ack.state}{reason}")
    ongoing = "; the engine is at it" if ack.state == "taken" else ""
    typer.echo(f"{folder.name}: {kind} {ack.state} at step {ack.step:,}{reason}{ongoing}")


def wait_until_settled(folder: "RunFolder", id: str) -> "Ack | None":
    """The engine's last answer; None when a minute was too short. Ends at once when the engine dies over it."""
    from acceltui.cli.follow import WITH_ENGINE, seen
    from acceltui.runs.commands import wait_for_ack

    deadline = time.monotonic() + DONE_WITHIN
    while time.monotonic() < deadline:
        state = seen(folder)[1]
        ack = wait_for_ack(folder, id, timeout=0.5)
        if ack is not None:
            return ack
        if state not in WITH_ENGINE:
            refuse(f"{folder.name} is {state}: its engine ended over the command.")
    return None


def refuse(sentence: str) -> NoReturn:
    """Say why not, and leave."""
    typer.echo(sentence, err=True)
    raise typer.Exit(3)
