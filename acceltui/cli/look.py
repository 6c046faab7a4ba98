"""Commands that look at runs and change nothing: ls, status, log, events, metrics."""

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acceltui.cli.parameters import Json, Plain, Run, RunsDir, one_form

if TYPE_CHECKING:
    from acceltui.cli.watch import Form
    from acceltui.runs.folder import RunFolder


class Severity(StrEnum):
    """How much an event matters."""

    warning = "warning"
    error = "error"


Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")]


def ls(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...",
            help="Part of a name, recipe, state, tag or note; seed=2, 'online.replay>=10000'. All have to match.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """List runs, newest first."""
    from acceltui.cli.show import as_object, plain_row, table
    from acceltui.runs.paths import list_runs, runs_root

    one_form(as_json, plain)
    root = runs_root(runs_dir)
    folders = matching(root, words) if words else list_runs(root)
    if as_json:
        typer.echo(json.dumps([as_object(folder) for folder in folders], indent=2))
    elif plain:
        for folder in folders:
            typer.echo(plain_row(folder))
    elif folders:
        typer.echo(table(folders))
    elif not words:
        typer.echo(f"No runs in {root}.", err=True)


def matching(root: Path, words: list[str]) -> "list[RunFolder]":
    """The runs that all words match, as in the list of the dashboard; says so where there is none."""
    from acceltui.runs.filter import Filter
    from acceltui.runs.paths import RunError
    from acceltui.tui.catalog import filtered

    wanted = Filter(" ".join(words))
    if wanted.wrong:
        raise RunError(wanted.wrong)
    folders, trouble = filtered(root, wanted)
    if not folders:
        typer.echo(trouble or f"No run in {root} matches {wanted.text!r}.", err=True)
    return folders


def status(
    run: Run = None,
    runs_dir: RunsDir = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until the run ends.")] = False,
    every: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="With --watch; by default 1 on a terminal and 10 elsewhere.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Say how a run is."""
    from acceltui.cli.show import as_object, block, plain_row
    from acceltui.runs.paths import find_run, runs_root

    one_form(as_json, plain)
    if every is not None and not watch:
        raise typer.BadParameter("--every is of use with --watch alone.")
    folder = find_run(run, runs_root(runs_dir))
    if not watch:
        typer.echo(json.dumps(as_object(folder), indent=2) if as_json else (plain_row if plain else block)(folder))
        return
    from acceltui.cli.run import EXIT_CODES, engine_goes_on
    from acceltui.cli.watch import watch_status

    on_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    form: Form = "json" if as_json else "plain" if plain else "screen" if on_terminal else "lines"
    with engine_goes_on(folder, runs_dir):
        state = watch_status(folder, form, every or (1.0 if form == "screen" else 10.0))
    raise typer.Exit(EXIT_CODES.get(state, 0))


def log(
    run: Run = None,
    runs_dir: RunsDir = None,
    follow: Follow = False,
    lines: Annotated[
        int | None, typer.Option("-n", min=0, help="Only the last so many lines.", show_default=False)
    ] = None,
    as_json: Json = False,
    plain: Annotated[bool, typer.Option("--plain", help="As it is without.")] = False,
) -> None:
    """Print what the engine printed."""
    from acceltui.cli.log import read_log
    from acceltui.runs.paths import find_run, runs_root

    one_form(as_json, plain)
    for line in read_log(find_run(run, runs_root(runs_dir)), last=lines, follow=follow):
        typer.echo(json.dumps({"line": line}) if as_json else line)


def events(
    run: Run = None,
    runs_dir: RunsDir = None,
    follow: Follow = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only events of this kind: switch, checkpoint, ...; may be repeated."),
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only events that matter so much, or more.")] = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Print what happened in a run, and who asked for it."""
    from acceltui.cli.events import KINDS, as_columns, read_events
    from acceltui.cli.follow import event_line
    from acceltui.runs.files import finite
    from acceltui.runs.paths import find_run, runs_root

    one_form(as_json, plain)
    kinds = set(kind or []) or None
    if severity is not None:
        kinds = KINDS[severity] if kinds is None else kinds & KINDS[severity]
    for event in read_events(find_run(run, runs_root(runs_dir)), kinds, follow=follow):
        typer.echo(json.dumps(finite(event)) if as_json else (as_columns if plain else event_line)(event))


def metrics(
    run: Run = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Only these, `transformer/*` say; nothing for all.", show_default=False),
    ] = None,
    runs_dir: RunsDir = None,
    csv: Annotated[bool, typer.Option("--csv", help="As it is without --json.")] = False,
    as_json: Json = False,
    every: Annotated[
        int | None,
        typer.Option(min=1, metavar="STEPS", help="Of so many steps, the first that has rows.", show_default=False),
    ] = None,
) -> None:
    """Print what was measured, rows that a resume took back left out."""
    from acceltui.cli.metrics import export
    from acceltui.runs.paths import find_run, runs_root

    if csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other.")
    export(find_run(run, runs_root(runs_dir)), names or [], as_json=as_json, every=every)
