"""One tree out of several: a recipe laid over the file it extends, overrides laid over that.

Maps merge, lists and plain values replace. Two maps are alternatives, so that the later one replaces the earlier whole,
where their `kind` differs (a map that does not say it is of the usual one) or where they are switch rules of different
keys. Each value keeps the place that wrote it.
"""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from acceltui.recipe.describe import usual_kind
from acceltui.recipe.errors import Place, RecipeError, Report, shown
from acceltui.recipe.files import decode, display, read_bytes
from acceltui.recipe.yaml12 import MAX_DEPTH, Keys, Node, parse

MAX_FILES = 3
LONGEST_NAME = 500
"""Of a file that `extends` names; longer ones no sentence could repeat."""
_INDEX = re.compile("[0-9]{1,6}")


class Source(NamedTuple):
    """A file that a recipe is made of, with the bytes that were read."""

    path: Path
    data: bytes


def read_chain(path: Path, report: Report) -> tuple[Node, list[Source]]:
    """The recipe with all that it extends merged in, and the files, the recipe first."""
    sources: list[Source] = []
    trees: list[Node] = []
    named_at = Place(display(path))
    named_by: tuple[str, ...] = ()
    while True:
        file = Place(display(path), 1, 1, rank=len(sources))
        sources.append(Source(path, read_bytes(path, named_at, report, named_by)))
        root = parse(decode(sources[-1].data, file, report), file, report)
        if not isinstance(root.value, dict):
            report.fail(root.place, (), "not a map of sections", "begin with `version: 1`")
        named = root.value.pop("extends", None)
        trees.append(root)
        if named is None:
            break
        named_at, named_by = named.place, ("extends",)
        path = _extended(path, named, sources, report)
    tree = trees.pop()
    while trees:
        tree = merge(tree, trees.pop())
    return tree, sources


def _extended(path: Path, named: Node, sources: list[Source], report: Report) -> Path:
    """The file that `extends` names in the file `path`."""
    if not isinstance(named.value, str) or not named.value.isprintable() or len(named.value) > LONGEST_NAME:
        report.fail(named.place, ("extends",), "not a file name", "write one file, relative to this one")
    extended = path.parent / named.value
    if os.path.realpath(extended) in {os.path.realpath(source.path) for source in sources}:
        report.fail(named.place, ("extends",), f"{shown(named.value)} leads back to itself", "break the loop")
    if len(sources) == MAX_FILES:
        report.fail(named.place, ("extends",), f"a chain of more than {MAX_FILES} files", "merge two of them")
    return extended


def merge(base: Node, over: Node, path: Keys = ()) -> Node:
    """`over` laid over `base`."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    if _alternatives(base.value, over.value, path):
        return over
    children = dict(base.value)
    for key, node in over.value.items():
        children[key] = merge(children[key], node, (*path, key)) if key in children else node
    return Node(children, over.place, key=over.key)


def _alternatives(base: dict[str, Node], over: dict[str, Node], path: Keys) -> bool:
    """Whether two maps at one place exclude each other."""
    if path[:1] == ("switch",) and (len(path) == 1 or isinstance(path[-1], int)):
        return base.keys() != over.keys()
    kind = base["kind"].value if "kind" in base else usual_kind(path)
    return kind is not None and "kind" in over and over["kind"].value != kind


class _NoElement(Exception):
    """An override's path that leads to no element of a list."""


def override(tree: Node, overrides: Sequence[str], report: Report) -> Node:
    """The tree with `key.path=value` pairs laid over it, later ones over earlier ones."""
    changes = [_change(text, number, report) for number, text in enumerate(overrides, start=1)]
    # A change of kind empties its section, so it comes before the values of the new kind whatever their order.
    for change in sorted(filter(None, changes), key=lambda change: change.keys[-1] != "kind"):
        try:
            tree = _laid(tree, change.keys, change.value, ())
        except _NoElement as error:
            report.add(change.value.place, change.keys, str(error))
    return tree


class _Change(NamedTuple):
    keys: list[str]
    value: Node


def _change(text: str, number: int, report: Report) -> _Change | None:
    """An override taken apart; its value is a YAML word, `[a, b]` or `{key: value}`."""
    key, equals, written = text.partition("=")
    label = text if len(text) <= 120 else f"{text[:117]}..."
    place = Place(f"override {number}: {label if label.isprintable() else ascii(label)}", rank=MAX_FILES + number)
    keys = key.split(".")
    if not equals or not all(keys) or len(keys) > MAX_DEPTH:
        report.add(place, (), "not of the form key.path=value", "for example accelerator.replay=50_000")
    elif not key.isprintable():
        report.add(place, (), f"an invisible character in the key {shown(key)}", "delete it")
    elif keys[0] == "extends":
        report.add(place, keys, "only a recipe extends a file, an override cannot")
    elif not written.strip():
        return _Change(keys, Node(None, place, key=place))
    else:
        # Noted in the report; the other overrides are still worth reading.
        with contextlib.suppress(RecipeError):
            return _Change(keys, replace(parse(written, place, report, tuple(keys)), key=place))
    return None


def _laid(node: Node | None, keys: Sequence[str], value: Node, path: Keys) -> Node:
    """`node` with `value` laid over what `keys` lead to inside it."""
    if not keys:
        return merge(node, value, path) if node else value
    key, rest = keys[0], keys[1:]
    if node and isinstance(node.value, list):
        children = list(node.value)
        if not _INDEX.fullmatch(key) or int(key) >= len(children):
            raise _NoElement(f"no element {shown(key)} in a list of {len(children)}, counted from 0")
        children[int(key)] = _laid(children[int(key)], rest, value, (*path, int(key)))
        return replace(node, value=children)
    if _INDEX.fullmatch(key):
        raise _NoElement(f"no element {key} where there is no list")
    inside = node.value if node and isinstance(node.value, dict) else {}
    layer = {key: _laid(inside.get(key), rest, value, (*path, key))}
    if node and inside and not _alternatives(inside, layer, path):
        return replace(node, value=inside | layer)
    return Node(layer, value.place, key=value.place)
