"""Values that run code of a module: refused until the call names it."""

from collections.abc import Iterator, Sequence

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import CustomSequence, Recipe


def check_imports(recipe: Recipe, allowed: Sequence[str]) -> list[Conflict]:
    """Values that run code of a module that is not `allowed` by its exact name."""
    return [
        _refusal(path, what, form, module)
        for path, what, form, module in _imports(recipe)
        if module is not None and module not in allowed
    ]


def _imports(recipe: Recipe) -> Iterator[tuple[str, str, str, str | None]]:
    """Of each value that can import: its path, what becomes of it, how it is written, the module."""
    yield "env.id", "making this environment", "module:Name-v0, or Name-v0 alone", _module(recipe.env.id)
    if isinstance(recipe.transformer, CustomSequence):
        yield "transformer.model", "building this transformer", "module:Class", _module(recipe.transformer.model)


def _module(value: str) -> str | None:
    """The module of `module:name`."""
    module, colon, _ = value.partition(":")
    return module if colon else None


def _refusal(path: str, what: str, form: str, module: str) -> Conflict:
    if not all(part.isidentifier() for part in module.split(".")):
        return Conflict(f"{module!r} is no module's name", f"write {form}", (path,))
    message = f"{what} runs the code of the module {module}"
    return Conflict(message, f"add `--allow-import {module}` if you trust it", (path,))
