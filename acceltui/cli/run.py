"""Commands that start or watch an engine: run, attach, demo."""

import gc
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import (
    Allow,
    AllowImport,
    Detach,
    Foreground,
    Lines,
    Overrides,
    RecipeName,
    Run,
    RunsDir,
    Share,
    StartedJson,
)
from acceltui.cli.recipes import find_recipe

if TYPE_CHECKING:
    from acceltui.recipe.schema import Recipe
    from acceltui.runs.folder import RunFolder


class Theme(StrEnum):
    """As `acceltui.tui.palette` names them."""

    dark = "dark"
    light = "light"


class Glyphs(StrEnum):
    """What the dashboard can draw with."""

    braille = "braille"
    block = "block"
    ascii = "ascii"


@dataclass(frozen=True)
class How:
    """How an engine is started and shown."""

    detach: bool
    foreground: bool
    plain: bool
    as_json: bool


EXIT_CODES = {"FAILED": 1, "CRASHED": 1, "PREEMPTED": 75}
"""Of the states a run may be left in; 0 for all others."""


def run(
    recipe: RecipeName,
    overrides: Overrides = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run folder, instead of one made of recipe, seed and time.")
    ] = None,
    detach: Detach = False,
    foreground: Foreground = False,
    plain: Lines = False,
    as_json: StartedJson = False,
    runs_dir: RunsDir = None,
    share: Share = False,
    resume_or_start: Annotated[
        bool,
        typer.Option("--resume-or-start", help="With --name: go on with that run if it has begun. For job scripts."),
    ] = False,
    allow: Allow = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Validate and print the resolved recipe; start nothing.")
    ] = False,
    allow_import: AllowImport = None,
) -> None:
    """Train what a recipe says, and watch."""
    from acceltui.launch.ask import ask_engine
    from acceltui.launch.record import record_recipe, record_run
    from acceltui.launch.resume import has_begun, is_finished
    from acceltui.recipe.load import load_recipe
    from acceltui.recipe.resolved import dump_resolved, load_resolved
    from acceltui.runs.paths import create_run_folder, run_folder, runs_root

    how = begin(detach, foreground, plain, as_json)
    if allow and not resume_or_start:
        raise typer.BadParameter("--allow is of use with --resume-or-start alone.")
    modules = allow_import or []
    loaded = load_recipe(find_recipe(recipe), overrides or [], modules)
    if dry_run:
        ask_engine("spaces", loaded, modules)
        typer.echo(dump_resolved(loaded.recipe), nl=False)
        return
    root = runs_root(runs_dir)
    if resume_or_start:
        if name is None:
            raise typer.BadParameter("--resume-or-start needs a --name.")
        earlier = run_folder(root, name)
        if has_begun(earlier):
            if is_finished(earlier):
                typer.echo(f"{name} is FINISHED: there is nothing to resume.", err=True)
                return
            say_changes(earlier, loaded.recipe, allow)
            if load_resolved(earlier.resolved) != loaded.recipe:
                record_recipe(earlier, loaded)
            go_on(earlier, modules, how, runs_dir)
            return
    folder = create_run_folder(root, loaded.recipe.name, loaded.recipe.seed, name=name, share=share)
    record_run(folder, loaded, sys.argv[1:])
    if not foreground:
        typer.echo(f"Starting {folder.name} ...", err=True)
    launch(folder, "run", modules, how, runs_dir)


def attach(
    run: Run = None,
    runs_dir: RunsDir = None,
    plain: Lines = False,
    glyphs: Annotated[
        Glyphs | None, typer.Option(help="Characters to draw with, instead of what suits the terminal.")
    ] = None,
    theme: Annotated[Theme | None, typer.Option(help="Colours, instead of what suits the terminal.")] = None,
    low_bandwidth: Annotated[
        bool, typer.Option("--low-bandwidth", help="Draw every five seconds only, for slow lines.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Without the keys that steer, fork or note anything.")
    ] = False,
) -> None:
    """Watch a run in the dashboard.

    Where there is no terminal, plain lines are printed until it ends.
    """
    from acceltui.runs.paths import find_run, runs_root

    root = runs_root(runs_dir)
    folder = find_run(run, root)
    with engine_goes_on(folder, runs_dir):
        watch(
            folder,
            root,
            plain=plain,
            glyphs=glyphs,
            theme=theme,
            low_bandwidth=low_bandwidth,
            read_only=read_only,
        )


def resume(
    run: Run = None,
    detach: Detach = False,
    foreground: Foreground = False,
    plain: Lines = False,
    as_json: StartedJson = False,
    runs_dir: RunsDir = None,
    allow: Allow = None,
    allow_import: AllowImport = None,
) -> None:
    """Go on with a run that ended early, from its newest checkpoint."""
    from acceltui.recipe.resolved import load_resolved
    from acceltui.runs.paths import find_run, runs_root

    how = begin(detach, foreground, plain, as_json)
    folder = find_run(run, runs_root(runs_dir))
    say_changes(folder, load_resolved(folder.resolved), allow)
    go_on(folder, allow_import or [], how, runs_dir)


def say_changes(folder: "RunFolder", recipe: "Recipe", allow: list[str] | None) -> None:
    """Tell what is other than when the run was left; RunError where it cannot go on, or not without being told to."""
    from acceltui.launch.resume import check_changes, newest_checkpoint

    for sentence in check_changes(folder, newest_checkpoint(folder), recipe, allow or []):
        typer.echo(sentence, err=True)


def go_on(folder: "RunFolder", modules: list[str], how: How, runs_dir: Path | None) -> None:
    """Resume a run."""
    typer.echo(f"Resuming {folder.name} ...", err=True)
    launch(folder, "resume", modules, how, runs_dir)


def fork(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Name, unique prefix or path of a run.",
            show_default=False,
            autocompletion=complete.runs,
        ),
    ],
    overrides: Overrides = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="The checkpoint: a step, `switch` or `best`; nothing for the newest."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new run folder.")] = None,
    detach: Detach = False,
    foreground: Foreground = False,
    plain: Lines = False,
    as_json: StartedJson = False,
    runs_dir: RunsDir = None,
    share: Share = False,
    allow_import: AllowImport = None,
) -> None:
    """Start a new run from a checkpoint of another, with some values changed."""
    from acceltui.launch.fork import changed_recipe, choose, make_fork
    from acceltui.runs.paths import find_run, runs_root

    how = begin(detach, foreground, plain, as_json)
    origin, modules = find_run(run, runs_root(runs_dir)), allow_import or []
    checkpoint = choose(origin, at)
    loaded, changes = changed_recipe(origin, checkpoint, overrides or [], modules)
    folder = make_fork(runs_root(runs_dir), origin, checkpoint, loaded, changes, sys.argv[1:], name, share)
    typer.echo(f"Starting {folder.name} from step {checkpoint.step:,} of {origin.name} ...", err=True)
    launch(folder, "resume", modules, how, runs_dir)


def launch(
    folder: "RunFolder",
    verb: Literal["run", "resume"],
    modules: list[str],
    how: How,
    runs_dir: Path | None,
) -> None:
    """Become the engine of a run, or start it, and watch it unless it is to be left alone."""
    from acceltui.cli.show import as_object
    from acceltui.launch.background import start_engine, wait_until_running
    from acceltui.launch.foreground import become_engine
    from acceltui.runs.paths import runs_root

    if how.foreground:
        become_engine(folder, modules, verb)
    with engine_goes_on(folder, runs_dir):
        process = start_engine(folder, modules, verb)
        wait_until_running(folder, process)
        if how.detach:
            typer.echo(json.dumps(as_object(folder)) if how.as_json else folder.name)
            typer.echo(how_to_attach(folder, runs_dir), err=True)
        else:
            watch(folder, runs_root(runs_dir), plain=how.plain)


def begin(detach: bool, foreground: bool, plain: bool, as_json: bool) -> How:
    """Refuse what cannot be, before anything is made; from here on a job in the foreground may be asked to leave."""
    from acceltui.launch.foreground import leave_when_asked
    from acceltui.runs.settings import load_settings

    if detach and foreground:
        raise typer.BadParameter("--detach and --foreground exclude each other.")
    if as_json and not detach:
        raise typer.BadParameter("--json goes with --detach; `accel status --watch --json` follows a run.")
    if foreground:
        leave_when_asked()
    load_settings()
    return How(detach, foreground, plain, as_json)


def demo(runs_dir: RunsDir = None) -> None:
    """Train a small pendulum: `accel run pendulum_quick`."""
    run("pendulum_quick", runs_dir=runs_dir)


def watch(
    folder: "RunFolder",
    root: Path,
    *,
    plain: bool = False,
    glyphs: str | None = None,
    theme: str | None = None,
    low_bandwidth: bool = False,
    read_only: bool = False,
) -> None:
    """Show a run until its watcher leaves or it ends; exits with the code of the state it is left in."""
    from acceltui.cli.follow import follow, seen

    if sys.stdin.isatty() and sys.stdout.isatty() and not plain:
        # Until AccelApp has the history on the screen: a tenth of that time went into searching for garbage.
        gc.disable()
        from acceltui.tui.app import attach as open_dashboard

        farewell = open_dashboard(
            folder, runs_root=root, glyphs=glyphs, theme=theme, low_bandwidth=low_bandwidth, read_only=read_only
        )
        if farewell:
            typer.echo(farewell)
        state = seen(folder)[1]
    else:
        state = follow(folder)
    raise typer.Exit(EXIT_CODES.get(state, 0))


@contextmanager
def engine_goes_on(folder: "RunFolder", runs_dir: Path | None) -> Iterator[None]:
    """Make ^C end the watching alone, and say so."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nThe engine goes on. {how_to_attach(folder, runs_dir)}", err=True)
        raise typer.Exit(130) from None


def how_to_attach(folder: "RunFolder", runs_dir: Path | None) -> str:
    """The command that shows a run again."""
    words = ["accel", "attach", folder.name] + (["--runs-dir", str(runs_dir)] if runs_dir else [])
    return f"To watch it: {shlex.join(words)}"
