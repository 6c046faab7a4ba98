"""YAML 1.2 text into a tree of values that know where they were written.

PyYAML scans and parses, and gives events; values are built here, because its constructors follow YAML 1.1 (where `no`
is false and `1e-3` is text), recurse without a limit, take the last of two equal keys, and forget the places.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import yaml

from acceltui.recipe.errors import Place, Report, shown

MAX_DEPTH = 32
MAX_VALUES = 2_000
"""With aliases written out; a recipe has about a hundred."""

Keys: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_INTEGER = re.compile(rf"[-+]?{_DIGITS}")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(rf"[-+]?(?:\.{_DIGITS}|{_DIGITS}(?:\.(?:{_DIGITS})?)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAX_DIGITS = 64
"""A longer number is a slip, and Python refuses to read integers of thousands of digits."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a YAML document."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place
    text: str = ""
    """A scalar as it was written."""
    key: Place | None = None
    """Where its key stands, in a map."""

    def plain(self) -> object:
        """The value without places, as pydantic takes it."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def scalar(text: str) -> Scalar:
    """What an unquoted word means: the core schema of YAML 1.2, and `_` between digits as in `100_000`."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def parse(text: str, source: Place, report: Report, path: Keys = ()) -> Node:
    """The one document of `text`, which stands at `path` of a recipe.

    Raises RecipeError where it is not YAML, and notes in the report what can be read past.
    """
    try:
        # The events are read off the loader, because it knows how far it came where it fails without saying where.
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        report.fail(source, path, f"an invisible character, U+{error.character:04X}", "delete it")
    builder = _Builder(source, report, path, iter(loader.get_event, None))
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        report.fail(builder.place(error.problem_mark or error.context_mark), path, *_plain_words(error))
    except (ValueError, OverflowError):  # the scanner passes "\\UFFFFFFFF" on to chr(), and long versions to int()
        message = "not valid YAML: a number out of range, in an escape or %YAML"
        report.fail(builder.place(loader.get_mark()), path, message)


@dataclass
class _Builder:
    """Builds nodes from a stream of events, and stops at the first that goes past a limit."""

    source: Place
    report: Report
    path: Keys
    events: Iterator[yaml.Event]
    anchors: dict[str, Node | None] = field(default_factory=dict)
    """None while the anchored value is being built: an alias to it would hold itself."""
    values: int = 0

    def place(self, mark: Any) -> Place:
        """Where PyYAML's `mark` points to, from 1; its stubs type marks as two unrelated classes."""
        if not self.source.line:
            return self.source
        return Place(self.source.source, mark.line + 1, mark.column + 1, self.source.rank)

    def document(self) -> Node:
        next(self.events)  # the stream's start
        if isinstance(next(self.events), yaml.StreamEndEvent):
            self.report.fail(self.source, (), "the file is empty", "`accel recipes ls` names recipes to start from")
        root = self.node(next(self.events), self.path)
        next(self.events)  # the document's end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.report.fail(self.place(event.start_mark), (), "a second document", "a recipe is one YAML document")
        return root

    def node(self, event: yaml.Event, path: Keys) -> Node:
        place = self.place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(str(event.anchor), place, path)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.tag is not None:
            tag = shown(str(event.tag).replace("tag:yaml.org,2002:", "!!"))
            self.report.add(place, path, f"the tag {tag}", "a recipe has no tags: delete it")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.count(1, len(path), place)
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, place, path)
        else:
            inside = self.mapping if isinstance(event, yaml.MappingStartEvent) else self.sequence
            node = Node(inside(path), place)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: yaml.ScalarEvent, place: Place, path: Keys) -> Node:
        if not event.value.isprintable():
            self.report.add(place, path, f"an invisible character in {shown(event.value)}", "delete it")
        # Only an unquoted word may mean something else than its text.
        return Node(scalar(event.value) if event.style is None else event.value, place, event.value)

    def sequence(self, path: Keys) -> list[Node]:
        children: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            children.append(self.node(event, (*path, len(children))))
        return children

    def mapping(self, path: Keys) -> dict[str, Node]:
        children: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            place = self.place(event.start_mark)
            key = self.key(event, place, path)
            node = replace(self.node(next(self.events), (*path, key)), key=place)
            if key == "<<" or not key.isprintable():
                continue  # reported by `key`
            first = children.setdefault(key, node)
            if first is not node:
                earlier = f", first on line {first.key.line}" if first.key and first.key.line else ""
                self.report.add(place, (*path, key), f"given twice{earlier}", "keep one of them")
        return children

    def key(self, event: yaml.Event, place: Place, path: Keys) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self.report.fail(place, path, "a key that is not a word", "write keys as plain words")
        if event.tag is not None or event.anchor:
            self.report.add(place, path, "a key with a tag or an anchor", "write keys as plain words")
        if event.value == "<<":
            self.report.add(
                place, path, "merge keys (<<) are not read", "use `extends: file` to build on another recipe"
            )
        if not event.value.isprintable():
            self.report.add(place, path, f"an invisible character in the key {shown(event.value)}", "delete it")
        return str(event.value)

    def alias(self, anchor: str, place: Place, path: Keys) -> Node:
        if anchor not in self.anchors:
            self.report.fail(place, path, f"the alias *{anchor} has no anchor &{anchor} before it")
        node = self.anchors[anchor]
        if node is None:
            self.report.fail(place, path, f"the alias *{anchor} stands inside what it repeats")
        self.count(_size(node), len(path) + _height(node), place)
        return node

    def count(self, values: int, depth: int, place: Place) -> None:
        self.values += values
        if depth > MAX_DEPTH:
            self.report.fail(place, (), f"nested more than {MAX_DEPTH} levels deep")
        if self.values > MAX_VALUES:
            self.report.fail(place, (), f"more than {MAX_VALUES:,} values, aliases written out")


def _children(node: Node) -> list[Node]:
    if isinstance(node.value, dict):
        return list(node.value.values())
    return node.value if isinstance(node.value, list) else []


def _size(node: Node) -> int:
    return 1 + sum(map(_size, _children(node)))


def _height(node: Node) -> int:
    return max((1 + _height(child) for child in _children(node)), default=0)


def _plain_words(error: yaml.MarkedYAMLError) -> tuple[str, str | None]:
    """PyYAML's complaint, and a way out for the common ones."""
    problem = str(error.problem or error.context or "unreadable")
    hints = {
        "cannot start any token": "indent with spaces, and quote values that begin with a special character",
        "mapping values are not allowed here": "put a value that holds `: ` in quotes, and check the indentation",
        "expected ',' or": "a bracket or brace is not closed",
        "found unexpected end of stream": "a quote is not closed",
        "could not find expected ':'": "every key is followed by `: `",
        "expected <block end>": "check the indentation",
    }
    hint = next((hint for words, hint in hints.items() if words in problem), None)
    return f"not valid YAML: {problem}", hint
