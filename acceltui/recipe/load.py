"""From recipe files and overrides to a checked `Recipe`, or to one report of all that is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acceltui.recipe.checks import check, check_imports
from acceltui.recipe.compose import override, read_chain
from acceltui.recipe.errors import Report
from acceltui.recipe.resolved import dump_resolved, load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.recipe.validate import keys_of, locate, place_of, validate
from acceltui.recipe.yaml12 import Node

__all__ = ["LoadedRecipe", "dump_resolved", "load_recipe", "load_resolved"]


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe and what it was made from."""

    recipe: Recipe
    sources: list[tuple[Path, bytes]]
    """The files with the bytes that were read: the recipe first, then what it extends."""
    overrides: list[str]
    tree: Node = field(repr=False)

    def where(self, path: str) -> str:
        """`file:line:column` or the override that gave the value at a dotted path, or the section around a default."""
        return str(place_of(self.tree, keys_of(path)))

    def says(self, path: str) -> bool:
        """Whether the value at a dotted path was written, in a file or as an override, and is no default."""
        keys = keys_of(path)
        return locate(self.tree, keys)[1] == len(keys)


def load_recipe(path: Path, overrides: Sequence[str] = (), allow_import: Sequence[str] = ()) -> LoadedRecipe:
    """Read, compose and check a recipe; raises RecipeError with all problems, in the order of the files.

    `overrides` are `key.path=value`; `allow_import` are the modules that its values may import.
    """
    report = Report()
    tree, sources = read_chain(path, report)
    tree = override(tree, overrides, report)
    recipe = validate(tree, report, lambda recipe: [*check(recipe), *check_imports(recipe, allow_import)])
    return LoadedRecipe(recipe, [(source.path, source.data) for source in sources], list(overrides), tree)
