"""What people say of runs: tag, note."""

from typing import Annotated

import typer

from acceltui.cli.parameters import RunsDir

NamedRun = Annotated[str, typer.Argument(metavar="RUN", help="Name, unique prefix or path of a run.")]


def tag(
    run: NamedRun,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="+TAG -TAG", help="To add, to take away; nothing to print them.")
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Tag a run: +good -bad."""
    from acceltui.runs.notes import read_notes, write_notes
    from acceltui.runs.paths import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    notes = read_notes(folder)
    if tags:
        notes = notes.tagged(tags)
        write_notes(folder, notes)
    typer.echo(notes.shown_tags or "No tags.", err=not notes.tags)


def note(
    run: NamedRun,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help='One line; "" removes it, nothing prints it.')
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Note something about a run, in place of what was noted before."""
    from acceltui.runs.notes import read_notes, write_notes
    from acceltui.runs.paths import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    notes = read_notes(folder)
    if text is not None:
        notes = notes.noted(text)
        write_notes(folder, notes)
    typer.echo(notes.note or "No note.", err=not notes.note)
