"""Recipes that import code: only what the call allows."""

from collections.abc import Sequence

from acceltui.engine.errors import SetupError
from acceltui.recipe.schema import CustomSequence, Recipe


def check_imports(recipe: Recipe, allowed: Sequence[str]) -> None:
    """Refuse a recipe that would import a module which the call did not allow."""
    named = {"env.id": recipe.env.id}
    if isinstance(recipe.transformer, CustomSequence):
        named["transformer.model"] = recipe.transformer.model
    for path, value in named.items():
        module, colon, _ = value.partition(":")
        if colon and module not in allowed:
            message = f"{value!r} imports the module {module!r}, which the call does not allow"
            raise SetupError("recipe", path, message, f"add --allow-import {module} if you trust it")
