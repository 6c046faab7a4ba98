"""Commands that look at runs and change nothing: ls, status, log."""

import json
from typing import Annotated

import typer

from acceltui.cli.parameters import Json, Run, RunsDir


def ls(runs_dir: RunsDir = None, as_json: Json = False) -> None:
    """List runs, newest first."""
    from acceltui.cli.show import as_object, table
    from acceltui.runs.paths import list_runs, runs_root

    root = runs_root(runs_dir)
    folders = list_runs(root)
    if as_json:
        typer.echo(json.dumps([as_object(folder) for folder in folders], indent=2))
    elif folders:
        typer.echo(table(folders))
    else:
        typer.echo(f"No runs in {root}.", err=True)


def status(run: Run = None, runs_dir: RunsDir = None, as_json: Json = False) -> None:
    """Say how a run is."""
    from acceltui.cli.show import as_object, block
    from acceltui.runs.paths import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    typer.echo(json.dumps(as_object(folder), indent=2) if as_json else block(folder))


def log(
    run: Run = None,
    runs_dir: RunsDir = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    lines: Annotated[
        int | None, typer.Option("-n", min=0, help="Only the last so many lines.", show_default=False)
    ] = None,
) -> None:
    """Print what the engine printed."""
    from acceltui.cli.log import read_log
    from acceltui.runs.paths import find_run, runs_root

    for line in read_log(find_run(run, runs_root(runs_dir)), last=lines, follow=follow):
        typer.echo(line)
