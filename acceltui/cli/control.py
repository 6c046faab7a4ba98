"""Commands to a living engine, the twins of the dashboard's keys."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acceltui.cli.parameters import Json, Plain, Run, RunsDir, columns, one_form

NoWait = Annotated[bool, typer.Option("--no-wait", help="Return when the engine has taken it.")]


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


def checkpoint(
    run: Run = None, runs_dir: RunsDir = None, no_wait: NoWait = False, as_json: Json = False, plain: Plain = False
) -> None:
    """Write a checkpoint of a run now."""
    command("checkpoint", run, runs_dir, no_wait, as_json, plain)


def command(kind: str, run: str | None, runs_dir: Path | None, no_wait: bool, as_json: bool, plain: bool) -> None:
    """Send a command, wait for what becomes of it and say so; exit code 3 when nothing does."""
    from acceltui.cli.outcome import carry_out, sentence
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
