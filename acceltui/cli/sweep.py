"""Commands about sweeps: many runs of one recipe, worked through in the background."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import AllowImport, Json, RecipeName, RunsDir, columns, one_form
from acceltui.cli.recipes import find_recipe

if TYPE_CHECKING:
    from acceltui.cli.sweep_view import Form
    from acceltui.launch.sweep import Plan
    from acceltui.runs.sweep_progress import SweepReader
    from acceltui.runs.sweeps import SweepFolder

Lines = Annotated[bool, typer.Option("--plain", help="Lines instead of a table; of lists, columns with a tab between.")]


def sweep(
    recipe: RecipeName,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE,VALUE",
            help="An axis of the grid: method=accelerated,scratch; one value is laid over all recipes.",
            show_default=False,
            autocompletion=complete.overrides,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="SEEDS", help="3 means 1, 2 and 3; 1,4,7 these.", show_default="the recipe's"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=2_000, metavar="N", help="Engines at once.", show_default="as many as cores"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Of the sweep, a tag of its runs; the same again goes on.", show_default="the recipe's"),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go; what has one there is not run.", show_default="./results"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="STEP",
            help="RECIPE is a run, and each job a fork of it from that checkpoint: a step, `switch` or `best`.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate and list the jobs; start nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start the sweep and return.")] = False,
    plain: Lines = False,
    as_json: Json = False,
    allow_import: AllowImport = None,
) -> None:
    """Train a grid of recipes, each with several seeds, and watch.

    A process in the background works through it: what closes the terminal, or ^C, ends the watching alone.
    """
    from acceltui.launch.fork import choose
    from acceltui.launch.sweep import Forked, free_name, go_on, make_sweep, plan_sweep, start_coordinator
    from acceltui.recipe.grid import read_grid
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.runs.settings import load_settings
    from acceltui.runs.sweep_progress import SweepReader
    from acceltui.runs.sweeps import is_coordinated, is_sweep, read_coordination, sweep_folder

    one_form(as_json, plain)
    load_settings()
    modules, root, grid = allow_import or [], runs_root(runs_dir), read_grid(overrides or [], seeds)
    forked = None
    if at is not None:
        run = find_run(recipe, root)
        forked = Forked(run, choose(run, at))
    file = forked.run.resolved if forked else find_recipe(recipe)
    earlier = sweep_folder(root, name) if name is not None else None
    if earlier is not None and is_sweep(earlier) and not dry_run:
        folder = earlier
        go_on(folder, file, grid, workers, results, forked and forked.point)
        typer.echo(f"Going on with {folder.name} ...", err=True)
    else:
        plan = plan_sweep(file, grid, forked, workers, results, modules)
        if dry_run:
            tell_jobs(plan, as_json)
            return
        command = shlex.join(["accel", *sys.argv[1:]])
        folder = make_sweep(root, name or free_name(root, plan.name), plan, recipe, command)
        tell_start(folder, plan)
    with sweep_goes_on(folder, runs_dir):
        if not is_coordinated(folder, read_coordination(folder)):
            start_coordinator(folder, modules)
        if detach:
            typer.echo(json.dumps(as_object(SweepReader(folder))) if as_json else folder.name)
            typer.echo(how_to_follow(folder, runs_dir), err=True)
        else:
            watch(folder, plain, as_json)


def tell_jobs(plan: "Plan", as_json: bool) -> None:
    """What a sweep would be, a job a line."""
    for id, planned in plan.jobs.items():
        there = (plan.results / f"{id}.json").exists()
        job = {"id": id, "cell": planned.cell, "result": there}
        said = "its result is there" if there else ""
        typer.echo(json.dumps(job) if as_json else columns(id, " ".join(planned.cell), said))


def tell_start(folder: "SweepFolder", plan: "Plan") -> None:
    """What a sweep is that has been made."""
    jobs, cells = len(plan.jobs), plan.cells
    alike = f", {cells - jobs} cells are like others" if jobs < cells else ""
    taken = {planned.recipe.engine.threads for planned in plan.jobs.values()}
    each = f" with {min(taken)} thread{'s' if min(taken) > 1 else ''} each" if len(taken) == 1 else ""
    typer.echo(f"Starting {folder.name}: {jobs} jobs{alike}, {plan.workers} at once{each} ...", err=True)


def sweeps(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP",
            help="Name, or unique prefix of one; nothing for a list.",
            show_default=False,
            autocompletion=complete.sweeps,
        ),
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="End it in order: its runs can be gone on with.")] = False,
    runs_dir: RunsDir = None,
    plain: Lines = False,
    as_json: Json = False,
) -> None:
    """List sweeps, or follow one again."""
    from acceltui.cli.sweep_view import plain_row, table
    from acceltui.launch.sweep import ask_to_stop
    from acceltui.runs.paths import runs_root
    from acceltui.runs.sweep_progress import SweepReader
    from acceltui.runs.sweeps import find_sweep, list_sweeps

    one_form(as_json, plain)
    root = runs_root(runs_dir)
    if name is None:
        if stop:
            raise typer.BadParameter("--stop needs the name of a sweep.")
        readers = readable(list_sweeps(root))
        if as_json:
            typer.echo(json.dumps([as_object(reader) for reader in readers], indent=2))
        elif plain:
            for reader in readers:
                typer.echo(plain_row(reader))
        elif readers:
            typer.echo(table(readers))
        else:
            typer.echo(f"No sweeps in {root}.", err=True)
        return
    folder = find_sweep(root, name)
    with sweep_goes_on(folder, runs_dir):
        if stop:
            progress = SweepReader(folder).look()
            if progress.state in ("stopped", "over") and not progress.counts["running"]:
                typer.echo(f"{folder.name} is {progress.state}: there is nothing to stop.", err=True)
                raise typer.Exit(3)
            ask_to_stop(folder)
        watch(folder, plain, as_json)


def watch(folder: "SweepFolder", plain: bool, as_json: bool) -> None:
    """Show a sweep until nobody is at it any more; exits with 1 where a job has failed, or its coordinator is gone."""
    from acceltui.cli.sweep_view import watch_sweep

    on_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    form: Form = "json" if as_json else "screen" if on_terminal and not plain else "lines"
    progress = watch_sweep(folder, form)
    raise typer.Exit(1 if progress.counts["failed"] or progress.state == "gone" else 0)


def readable(folders: "list[SweepFolder]") -> "list[SweepReader]":
    """Those of which something can be told; of the others, why not."""
    from acceltui.runs.paths import RunError
    from acceltui.runs.sweep_progress import SweepReader
    from acceltui.runs.text import clean

    readers = []
    for folder in folders:
        try:
            readers.append(SweepReader(folder))
        except RunError as error:
            typer.echo(clean(error), err=True)
    return readers


def as_object(reader: "SweepReader") -> dict[str, object]:
    """A sweep for `--json`."""
    from acceltui.cli.sweep_view import counts_of

    folder, manifest, progress = reader.folder, reader.manifest, reader.look()
    told = manifest.model_dump(include={"command", "created", "workers", "threads", "results"})
    return {"sweep": folder.name, "path": str(folder.path), "state": progress.state, **counts_of(progress), **told}


@contextmanager
def sweep_goes_on(folder: "SweepFolder", runs_dir: Path | None) -> Iterator[None]:
    """Make ^C end the watching alone, and say so."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nThe sweep goes on. {how_to_follow(folder, runs_dir)}", err=True)
        raise typer.Exit(130) from None


def how_to_follow(folder: "SweepFolder", runs_dir: Path | None) -> str:
    """The commands that show a sweep again, and that end it."""
    words = ["accel", "sweeps", folder.name, *(["--runs-dir", str(runs_dir)] if runs_dir else [])]
    return f"To watch it: {shlex.join(words)}; to end it: {shlex.join([*words, '--stop'])}"
