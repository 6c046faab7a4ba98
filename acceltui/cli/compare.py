"""The command that puts runs beside each other: compare."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import Json, Plain, RunsDir, columns, one_form

if TYPE_CHECKING:
    from acceltui.results.gather import Named
    from acceltui.runs.results import Result

MOST = 8
"""Runs at once, as many as the dashboard tells apart; in groups there may be any number."""


class What(StrEnum):
    RETURN = "return"
    SUCCESS = "success"


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Names or unique beginnings of runs, result files (.json), folders with those below them.",
            autocompletion=complete.runs,
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Compare groups by this key of the recipe: method; may be repeated."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="VALUE", help="The group that others are measured by, instead of the first.")
    ] = None,
    of: Annotated[
        What | None, typer.Option(help="What of groups is compared: returns, or the share of episodes that succeed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write table.md, figures.json and pictures there.")
    ] = None,
    runs_dir: RunsDir = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Compare runs: how far they came, and what differs in their recipes; with --by, groups of runs."""
    from acceltui.results.gather import find_all, results_of
    from acceltui.runs.paths import runs_root

    one_form(as_json, plain)
    named = find_all(runs, runs_root(runs_dir), lambda message: typer.echo(message, err=True))
    if by:
        keys = [key.strip() for text in by for key in text.split(",")]
        groups(results_of(named), keys, reference, of or What.RETURN, out, as_json, plain)
        return
    if reference is not None or out is not None or of is not None:
        raise typer.BadParameter(
            "--reference, --of and --out are about groups: say which with --by KEY, --by method for one."
        )
    if len(named) > MOST:
        many = f"{len(named)} runs are more than the {MOST} that can be compared at once"
        raise typer.BadParameter(f"{many}; --by KEY compares groups of them.")
    beside(named, as_json, plain)


def groups(
    results: Sequence["Result"],
    by: Sequence[str],
    reference: str | None,
    of: What,
    out: Path | None,
    as_json: bool,
    plain: bool,
) -> None:
    """Print groups beside each other, and write them into a folder."""
    from acceltui.results import table
    from acceltui.results.groups import compare as compare_groups
    from acceltui.results.measures import by_success
    from acceltui.results.output import as_document, write

    if of is What.SUCCESS:
        results = [by_success(result) for result in results]
    comparison = compare_groups(results, by, reference, of.value)
    if as_json:
        typer.echo(json.dumps(as_document(comparison), indent=2))
    elif plain:
        for row in table.raw(comparison):
            typer.echo(columns(*row))
    else:
        parts = (table.aligned(table.tasks(comparison)), table.aligned(table.scores(comparison)))
        typer.echo("\n\n".join("\n".join(lines) for lines in (*parts, table.explained(comparison))))
        if sys.stdout.isatty():
            from acceltui.cli import curves

            curves.show(results, by, of.value)
    if out is not None:
        write(results, comparison, out)


def beside(named: Sequence["Named"], as_json: bool, plain: bool) -> None:
    """Print single runs beside each other."""
    from acceltui.recipe.differences import values_beside
    from acceltui.results import table
    from acceltui.results.gather import result_or_none
    from acceltui.runs.text import clean

    results = [result_or_none(one) for one in named]
    measured = [{} if result is None else table.measured(result) for result in results]
    figures = rows_of([{**one, **more} for one, more in zip(came_to(named), measured, strict=True)])
    recipes = values_beside([None if result is None else result.recipe for result in results])
    differences = {clean(key): list(map(clean, cells)) for key, cells in recipes.items()}
    if set(figures["return of"]) == {"transformer"}:
        del figures["return of"]
    names = names_of(named)
    if as_json:
        found = {
            name: {
                "figures": {key: cells[place] for key, cells in figures.items()},
                "measures": None if (result := results[place]) is None else table.numbers(result),
                "recipe": {key: cells[place] for key, cells in differences.items()},
            }
            for place, name in enumerate(names)
        }
        typer.echo(json.dumps(found, indent=2))
        return
    if plain:
        for key, cells in (("run", names), *figures.items(), *differences.items()):
            typer.echo(columns(key, *cells))
        return
    for key in table.MEASURED:
        if set(figures.get(key, [])) == {"-"}:
            del figures[key]
    lines = table.aligned([[key, *cells] for key, cells in (("", names), *figures.items(), *differences.items())])
    at = 1 + len(figures)
    typer.echo("\n".join(lines[:at] + ([""] if differences else []) + lines[at:]))
    if len(named) > 1 and not differences:
        typer.echo("\nThe recipes do not differ.")


def came_to(named: Sequence["Named"]) -> list[Mapping[str, str]]:
    """How far each came, by what the figures tell."""
    from acceltui.results.table import kept
    from acceltui.runs.folder import RunFolder
    from acceltui.tui.comparison import Comparing

    folders = {place: one for place, one in enumerate(named) if isinstance(one, RunFolder)}
    columns: dict[int, Mapping[str, str]] = {}
    if folders:
        comparing = Comparing(folders)
        while (seen := comparing.look()).read < 1:
            pass
        # Where all are of the transformer nothing says so; beside a result that may be of another, it has its place.
        figures = {"state": (), "step": (), "return of": ("transformer",) * len(folders), **seen.figures}
        for index, place in enumerate(seen.places):
            columns[place] = {key: cells[index] for key, cells in figures.items()}
    return [columns[place] if isinstance(one, RunFolder) else kept(one) for place, one in enumerate(named)]


def rows_of(found: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Columns of figures as rows; `-` where a column has none."""
    keys = dict.fromkeys(key for column in found for key in column)
    return {key: [column.get(key, "-") for column in found] for key in keys}


def names_of(named: Sequence["Named"]) -> list[str]:
    """Names of runs, each another: copies are numbered."""
    from acceltui.runs.folder import RunFolder

    own = [one.name if isinstance(one, RunFolder) else one.run for one in named]
    copies = [own[:place].count(name) for place, name in enumerate(own)]
    return [f"{name} ({number + 1})" if number else name for name, number in zip(own, copies, strict=True)]
