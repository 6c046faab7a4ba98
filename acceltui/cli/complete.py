"""What the shell may offer for a word: runs, recipes, keys of a recipe. Nothing heavy is imported for it."""

import re
from pathlib import Path

import typer

PLAIN_NAME = re.compile(r"[\w./-]+", re.ASCII)
"""Of files: the shell takes them as they are."""


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """Names of runs, newest first."""
    from acceltui.runs.paths import RunError, list_runs, runs_root

    try:
        names = [folder.name for folder in list_runs(runs_root(context.params.get("runs_dir")))]
    except RunError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def sweeps(context: typer.Context, incomplete: str) -> list[str]:
    """Names of sweeps, newest first."""
    from acceltui.runs.paths import RunError, runs_root
    from acceltui.runs.sweeps import list_sweeps

    try:
        names = [folder.name for folder in list_sweeps(runs_root(context.params.get("runs_dir")))]
    except RunError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def shipped(incomplete: str) -> list[str]:
    """Names of shipped recipes."""
    from acceltui.recipe.library import shipped_recipes

    return [recipe.name for recipe in shipped_recipes() if recipe.name.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Shipped recipes, and YAML files where the word points to."""
    folder = incomplete.rpartition("/")[0] + "/" if "/" in incomplete else ""
    try:
        found = sorted(path.name for path in Path(folder or ".").iterdir() if path.suffix in (".yaml", ".yml"))
    except OSError:
        found = []
    files = [folder + name for name in found if PLAIN_NAME.fullmatch(folder + name)]
    return [*shipped(incomplete), *(file for file in files if file.startswith(incomplete))]


def overrides(incomplete: str) -> list[str]:
    """Keys of a recipe, dotted."""
    if "=" in incomplete:
        return []
    from acceltui.recipe.describe import plain_values

    return [f"{path}=" for path in plain_values() if path.startswith(incomplete)]
