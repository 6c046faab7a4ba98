"""Commands about recipes: validate, plan, recipe, recipes, schema."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from acceltui.cli import complete
from acceltui.cli.parameters import AllowImport, Json, Overrides, RecipeName, Run, RunsDir

app = typer.Typer(help="List, show or copy the recipes that come with accel.", rich_markup_mode=None)
ShippedName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of a shipped recipe.", show_default=False, autocompletion=complete.shipped
    ),
]


def find_recipe(text: str) -> Path:
    """The recipe that `text` means: a file, or else the name of a shipped recipe."""
    from acceltui.recipe.library import shipped_recipe

    looks_like_a_file = "/" in text or text.endswith((".yaml", ".yml"))
    return Path(text) if looks_like_a_file or Path(text).is_file() else shipped_recipe(text)


def validate(
    recipe: RecipeName,
    overrides: Overrides = None,
    static: Annotated[bool, typer.Option("--static", help="Without making the environment.")] = False,
    allow_import: AllowImport = None,
) -> None:
    """Say what is wrong with a recipe, if anything."""
    from acceltui.launch.ask import ask_engine
    from acceltui.recipe.load import load_recipe

    loaded = load_recipe(find_recipe(recipe), overrides or [], allow_import or [])
    found = "" if static else describe(ask_engine("spaces", loaded, allow_import or []))
    typer.echo(f"{recipe} is valid{found}")


def plan(
    recipe: RecipeName, overrides: Overrides = None, as_json: Json = False, allow_import: AllowImport = None
) -> None:
    """Estimate parameters, memory and time of a run.

    Speeds are measured for some seconds on this machine.
    """
    from acceltui.launch.ask import ask_engine
    from acceltui.recipe.load import load_recipe

    loaded = load_recipe(find_recipe(recipe), overrides or [], allow_import or [])
    answer = ask_engine("plan", loaded, allow_import or [])
    typer.echo(json.dumps(answer, indent=2) if as_json else describe_plan(answer))


def recipe(
    run: Run = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not the default.")] = False,
    runs_dir: RunsDir = None,
    as_json: Json = False,
) -> None:
    """Print a run's recipe, with every value in force."""
    from pydantic_core import to_jsonable_python

    from acceltui.recipe.differences import flat, shown, unlike_defaults
    from acceltui.recipe.resolved import dump_resolved, load_resolved
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.runs.text import clean

    resolved = load_resolved(find_run(run, runs_root(runs_dir)).resolved)
    chosen = unlike_defaults(resolved)
    values = {key: value for key, value in flat(resolved).items() if not changed or key in chosen}
    if as_json:
        typer.echo(json.dumps(to_jsonable_python(values, by_alias=True, exclude_none=True), indent=2))
    elif changed:
        for key, value in values.items():
            typer.echo(clean(f"{key}={shown(value)}"))
    else:
        typer.echo("\n".join(map(clean, dump_resolved(resolved).splitlines())))


def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from acceltui.recipe.editor import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.callback(invoke_without_command=True)
def recipes(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        ls()


@app.command()
def ls() -> None:
    """List the shipped recipes."""
    from acceltui.recipe.library import shipped_recipes

    found = shipped_recipes()
    width = max((len(recipe.name) for recipe in found), default=0)
    for recipe in found:
        typer.echo(f"{recipe.name:<{width}}  {recipe.summary}".rstrip())


@app.command()
def show(name: ShippedName) -> None:
    """Print a shipped recipe."""
    from acceltui.recipe.library import shipped_recipe

    typer.echo(shipped_recipe(name).read_text(), nl=False)


@app.command()
def copy(
    name: ShippedName,
    dest: Annotated[Path, typer.Argument(help="File or folder.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Copy a shipped recipe, and what it extends, to change it."""
    from acceltui.recipe.library import shipped_recipe
    from acceltui.recipe.load import load_recipe
    from acceltui.runs.paths import RunError

    (source, data), *extended = load_recipe(shipped_recipe(name)).sources
    target = dest / source.name if dest.is_dir() else dest
    files = {target: data} | {target.parent / path.name: extension for path, extension in extended}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise RunError(f"{', '.join(there)} exists already: give another DEST, or --force to replace it.")
    for path, content in files.items():
        path.write_bytes(content)
    typer.echo(target)


def describe(spaces: dict[str, Any]) -> str:
    """An environment's spaces in a clause."""
    action, count = spaces["action"], spaces["action"]["shape"][0]
    actions = f"a choice of {count}" if action["discrete"] else f"{count} action{'s' if count > 1 else ''}"
    limit = f", episodes of at most {spaces['episode_steps']:,} steps" if spaces["episode_steps"] else ""
    success = ", success reported" if spaces["success"] else ""
    return f": {spaces['seen']} seen, {actions}{limit}{success}"


def describe_plan(answer: dict[str, Any]) -> str:
    """A plan in five lines."""
    from acceltui.runs.wording import duration, memory

    replay, speed, seconds = answer["replay_bytes"], answer["speed"], answer["seconds"]
    facts = {
        "parameters": ", ".join(f"{name} {count:,}" for name, count in answer["parameters"].items() if count),
        "replay": ", ".join(f"{stage} {memory(size)}" for stage, size in replay.items()),
        "memory": f"about {memory(answer['peak_bytes'])} at its peak",
        "speed": ", ".join(f"{stage} {speed[stage]:,.0f} steps/s" for stage in replay),
        "time": ", ".join(f"{part} {duration(length)}" for part, length in seconds.items() if length),
    }
    return "\n".join(f"{name:<10}  {fact}" for name, fact in facts.items())
