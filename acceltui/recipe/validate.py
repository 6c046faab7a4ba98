"""A tree against the schema: all errors as plain sentences, then the checks across fields on what remains."""

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from acceltui.recipe.checks import Conflict
from acceltui.recipe.describe import without_kinds
from acceltui.recipe.errors import Place, Report
from acceltui.recipe.schema import Recipe, Section
from acceltui.recipe.sentences import sentence
from acceltui.recipe.yaml12 import Keys, Node

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# What takes the place of a required value that is missing or wrong, so that the rest can still be checked.
_STAND_INS: dict[Keys, Any] = {
    ("version",): 1,
    ("name",): "recipe",
    ("env",): {"id": "Any-v0"},
    ("env", "id"): "Any-v0",
    ("accelerator",): {"kind": "mlp"},
    ("accelerator", "kind"): "mlp",
}
_ROUNDS = 16
"""More than a value can have containers that fall with it."""


def validate(tree: Node, report: Report, check: Callable[[Recipe], Iterable[Conflict]]) -> Recipe:
    """The recipe that a tree describes; raises RecipeError with all that is wrong with it and all the report has.

    Where the schema refuses values, `check` sees the recipe that remains without them, and conflicts that involve a
    refused value are left out.
    """
    written, document = tree.plain(), tree.plain()
    ignored: set[Keys] = set()
    for round_number in range(_ROUNDS):
        try:
            recipe = Recipe.model_validate(document)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                path = _path(details)
                if round_number == 0:
                    complain(details, path, tree, written, report)
                ignored.add(_without(document, path, missing=details["type"] == "missing"))
        else:
            for conflict in check(recipe):
                if not _touches(conflict, ignored):
                    _report_conflict(conflict, tree, report)
            if not report.found:
                return recipe
            break
    raise report.error()


def complain(
    details: "ErrorDetails", path: Keys, tree: Node, document: Any, report: Report, root: type[Section] = Recipe
) -> None:
    """Note what the schema says of the value at `path`."""
    node, depth = locate(tree, path)
    words = sentence(details, path, node if depth == len(path) else None, document, root)
    report.add(_place(tree, path, details["type"]), path, *words)


def _report_conflict(conflict: Conflict, tree: Node, report: Report) -> None:
    """Blame a conflict on the value it is about, or where that is a default, on another one of it that was written."""
    paths = [keys_of(path) for path in conflict.uses]
    written = next((path for path in paths if locate(tree, path)[1] == len(path)), paths[0])
    report.add(place_of(tree, written), keys_of(conflict.path), conflict.message, conflict.hint)


def locate(tree: Node, path: Keys) -> tuple[Node, int]:
    """The node at `path`, or the innermost one around it, and how many keys lead to it."""
    for depth, key in enumerate(path):
        if isinstance(tree.value, dict) and key in tree.value:
            tree = tree.value[str(key)]
        elif isinstance(tree.value, list) and isinstance(key, int) and key < len(tree.value):
            tree = tree.value[key]
        else:
            return tree, depth
    return tree, len(path)


def place_of(tree: Node, path: Keys) -> Place:
    """Where the value at `path` was written, or else the key of the innermost section around it."""
    node, depth = locate(tree, path)
    return node.place if depth == len(path) else node.key or node.place


def keys_of(dotted: str) -> Keys:
    """The keys of `switch.any.0.step`."""
    return tuple(int(key) if key.isdecimal() else key for key in dotted.split("."))


def _path(details: "ErrorDetails") -> Keys:
    """The path that an error is about; a section without a valid kind is about its `kind`."""
    path = without_kinds(details["loc"])
    return (*path, "kind") if details["type"].startswith("union_tag") else path


def _place(tree: Node, path: Keys, kind: str) -> Place:
    node, depth = locate(tree, path)
    return (node.key or node.place) if depth < len(path) or kind == "extra_forbidden" else node.place


def _without(document: Any, path: Keys, missing: bool) -> Keys:
    """Take the value at `path` out of the document, with the containers that mean nothing without it.

    Returns the path of what was taken out or, where a required value was, replaced by a stand-in.
    """
    container = document
    for key in path[:-1]:
        if isinstance(container, dict) and key not in container:
            return path  # it went with a container of an earlier error
        container = container[key]
    if path in _STAND_INS:
        container[path[-1]] = copy.deepcopy(_STAND_INS[path])
    elif missing or isinstance(container, list):
        return _without(document, path[:-1], missing=False)
    else:
        container.pop(path[-1], None)
    return path


def _touches(conflict: Conflict, ignored: set[Keys]) -> bool:
    used = [keys_of(path) for path in conflict.uses]
    return any(path[: len(gone)] == gone or gone[: len(path)] == path for path in used for gone in ignored)
