"""The command that puts runs beside each other: compare."""

import json
from typing import Annotated

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import Json, Plain, RunsDir, columns, one_form

MOST = 8
"""Runs at once, as many as the dashboard tells apart."""


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Names, or unique beginnings.", autocompletion=complete.runs),
    ],
    runs_dir: RunsDir = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Compare runs: how far they came, and what differs in their recipes."""
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.tui.comparison import Comparing

    one_form(as_json, plain)
    root = runs_root(runs_dir)
    folders = list(dict.fromkeys(find_run(run, root) for run in runs))
    if len(folders) > MOST:
        raise typer.BadParameter(f"{len(folders)} runs are more than the {MOST} that can be compared at once.")
    comparing = Comparing(dict(enumerate(folders)))
    while (seen := comparing.look()).read < 1 or seen.differences is None:
        pass
    names = [folder.name for folder in folders]
    if as_json:
        found = {
            name: {
                "figures": {key: cells[place] for key, cells in seen.figures.items()},
                "recipe": {key: cells[place] for key, cells in seen.differences.items()},
            }
            for place, name in enumerate(names)
        }
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [("", names), *seen.figures.items(), *seen.differences.items()]
    if plain:
        for key, cells in rows:
            typer.echo(columns(key or "run", *cells))
        return
    widths = [max(map(len, column)) for column in zip(*([key, *cells] for key, cells in rows), strict=True)]
    for number, (key, cells) in enumerate(rows):
        if number == 1 + len(seen.figures):
            typer.echo()
        parts = [cell.ljust(width) for cell, width in zip([key, *cells], widths, strict=True)]
        typer.echo("  ".join(parts).rstrip())
    if len(folders) > 1 and not seen.differences:
        typer.echo("\nThe recipes do not differ.")
