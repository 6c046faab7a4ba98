"""Commands that remove: rm, gc. They tell what and how much, and ask first."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import RunsDir

if TYPE_CHECKING:
    from acceltui.runs.space import Waste

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def rm(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Names, unique prefixes or paths of runs.", autocompletion=complete.runs),
    ],
    runs_dir: RunsDir = None,
    yes: Yes = False,
) -> None:
    """Remove runs, with all that is in their folders."""
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.runs.space import whole_run

    root = runs_root(runs_dir)
    folders = {folder.path: folder for folder in (find_run(run, root) for run in runs)}
    remove_all([whole_run(folder) for folder in folders.values()], yes)


def gc(
    runs_dir: RunsDir = None,
    replays: Annotated[
        bool,
        typer.Option(
            "--replays", help="Also replays of FINISHED runs: forks of these then begin with an empty replay."
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Remove what is of no use: runs that never began, and what killed engines have left behind."""
    from acceltui.runs.paths import list_runs, runs_root
    from acceltui.runs.space import find_waste

    root = runs_root(runs_dir)
    wastes = [waste for folder in list_runs(root) for waste in find_waste(folder, replays=replays)]
    if wastes:
        remove_all(wastes, yes)
    else:
        typer.echo(f"There is nothing to remove in {root}.", err=True)


def remove_all(wastes: list["Waste"], yes: bool) -> None:
    """List them with their sizes, ask, and remove them."""
    from acceltui.runs import wording
    from acceltui.runs.paths import RunError
    from acceltui.runs.space import remove
    from acceltui.runs.text import clean

    for waste in wastes:
        typer.echo(f"{wording.memory(waste.size):>6}  {clean(waste.folder.name)}{waste.what and f': {waste.what}'}")
    size = wording.memory(sum(waste.size for waste in wastes))
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: give --yes.")
    if not yes and not typer.confirm(f"Remove {size} for good?"):
        typer.echo("Nothing was removed.", err=True)
        raise typer.Exit(3)
    kept = 0
    for waste in wastes:
        try:
            remove(waste)
        except RunError as error:  # begun meanwhile
            typer.echo(clean(error), err=True)
            kept += 1
    if kept:
        raise typer.Exit(3)
    typer.echo(f"Removed {size}.", err=True)
