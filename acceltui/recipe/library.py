"""The recipes that are shipped: files that anyone can list, print and copy."""

from pathlib import Path
from typing import NamedTuple

from acceltui.recipe.errors import Problem, RecipeError, nearest, shown_key

# An installed package holds them beside this file; a checkout, at its top.
_FOLDERS = (Path(__file__).parent / "shipped", Path(__file__).parents[2] / "recipes")


class ShippedRecipe(NamedTuple):
    """A recipe of the package."""

    name: str
    path: Path
    summary: str
    """The first comment of the file."""


def shipped_recipes() -> list[ShippedRecipe]:
    """All shipped recipes, by name."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
    return [ShippedRecipe(path.stem, path, _summary(path)) for path in sorted(folder.glob("*.yaml"))]


def shipped_recipe(name: str) -> Path:
    """The file of a shipped recipe; raises RecipeError where there is none of that name."""
    recipes = {recipe.name: recipe.path for recipe in shipped_recipes()}
    if name in recipes:
        return recipes[name]
    close = nearest(name, list(recipes))
    hint = f"did you mean {close}?" if close else f"there are {', '.join(recipes)}"
    raise RecipeError([Problem(shown_key(name), "", "no shipped recipe has this name", hint)])


def _summary(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ").rstrip() for line in lines if line.startswith("#")), "")
