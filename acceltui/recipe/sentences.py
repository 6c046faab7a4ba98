"""Pydantic's complaints in this project's own words: what is wrong, and a way out where one can be guessed."""

import re
from typing import TYPE_CHECKING, Any

from acceltui.recipe.describe import homes, keys_at, kinds, kinds_with, section_at
from acceltui.recipe.errors import nearest, shown
from acceltui.recipe.schema import Recipe, Section
from acceltui.recipe.yaml12 import Keys, Node, scalar

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WANTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
    "string_too_short": ("at least", "min_length"),
    "string_too_long": ("at most", "max_length"),
}
_PATTERNS: dict[Keys, str] = {
    ("name",): "letters, digits, `_`, `.` and `-`, at most 64 and a letter or digit first",
    ("engine", "device"): "one of: auto, cpu, cuda, cuda:0",
    ("transformer", "model"): "module:Class",
}
_UNITS = {"k": "_000", "m": "_000_000"}

Sentence = tuple[str, str | None]


def sentence(
    details: "ErrorDetails", path: Keys, node: Node | None, document: Any, root: type[Section] = Recipe
) -> Sentence:
    """The message and the hint for an error at `path`, whose value is `node` (None where there is none)."""
    kind, context = details["type"], details.get("ctx", {})
    match kind:
        case "missing" | "union_tag_not_found":
            return "missing", _options_hint(context.get("expected_tags")) or "a recipe needs it"
        case "extra_forbidden":
            return _unknown_key(path, document, root)
        case "literal_error" | "union_tag_invalid":
            return _not_an_option(node, _options(str(context.get("expected") or context.get("expected_tags"))))
        case "string_pattern_mismatch" if path in _PATTERNS:
            return f"{described(node)} does not fit", f"write {_PATTERNS[path]}"
        case "value_error":
            return str(context["error"]), None
        case _ if kind in _WANTED:
            return _wrong_type(node, _WANTED[kind], path, document, root)
        case _ if kind in _BOUNDS:
            return _out_of_bounds(node, kind, context)
    return details["msg"][:1].lower() + details["msg"][1:], None


def _is_not(node: Node | None, wanted: str) -> str:
    if node is None or node.value is None:
        return f"empty where {wanted} belongs"
    return f"{described(node)} is not {wanted}"


def described(node: Node | None) -> str:
    """A value as it was written, or what it is."""
    if node is None or isinstance(node.value, dict):
        return "a map"
    if isinstance(node.value, list):
        return "a list"
    return shown(node.text) if isinstance(node.value, str) else node.text


def _unknown_key(path: Keys, document: Any, root: type[Section]) -> Sentence:
    key, known = str(path[-1]), keys_at(path[:-1], document, root)
    if theirs := kinds_with(path, root):
        (here,) = section_at(path[:-1], document, root)
        return f"a key of {' or '.join(theirs)}, not of {kinds(here)[0]}", f"the keys here are {', '.join(known)}"
    if near := nearest(key, known):
        return "unknown key", f"did you mean {near}?"
    if elsewhere := homes(key, root):
        return "unknown key here", f"did you mean {' or '.join(elsewhere[:4])}?"
    return "unknown key", f"the keys here are {', '.join(known)}"


def _options(expected: str) -> list[str]:
    """The words of pydantic's "'a', 'b' or 'c'"."""
    return re.findall("'([^']*)'", expected) or [expected]


def _options_hint(expected: str | None) -> str | None:
    return f"one of: {', '.join(_options(expected))}" if expected else None


def _not_an_option(node: Node | None, options: list[str]) -> Sentence:
    near = nearest(node.text, options) if node and node.text else None
    allowed = f"one of: {', '.join(options)}" if len(options) > 1 else options[0]
    return _is_not(node, allowed), f"did you mean {near}?" if near else None


def _wrong_type(node: Node | None, wanted: str, path: Keys, document: Any, root: type[Section]) -> Sentence:
    message = _is_not(node, wanted)
    if wanted == "a map":
        return message, f"its keys are {', '.join(keys_at(path, document, root))}"
    if node is None or shown(node.text) != f"'{node.text}'":
        return message, None  # nothing that could be repeated as it is
    if wanted in ("a whole number", "a number"):
        return message, _number_hint(node)
    hints = {
        "text": f'put it in quotes: "{node.text}"',
        "a list": f"write [{node.text}]",
        "true or false": {"yes": "write true", "on": "write true", "no": "write false", "off": "write false"}.get(
            node.text.lower()
        ),
    }
    return message, hints.get(wanted)


def _number_hint(node: Node) -> str | None:
    """What a person probably meant by `"5"`, `100,000` or `100k`."""
    if isinstance(node.value, str) and isinstance(scalar(node.text), int | float):
        return "delete the quotes"
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", node.text):
        return f"write {node.text.replace(',', '_')}"
    if thousands := re.fullmatch(r"([0-9]+)([kKmM])", node.text):
        return f"write {thousands[1]}{_UNITS[thousands[2].lower()]}"
    return None


def _out_of_bounds(node: Node | None, kind: str, context: dict[str, Any]) -> Sentence:
    words, name = _BOUNDS[kind]
    bound = context[name]
    bound = f"{bound:,}".replace(",", "_") if isinstance(bound, int) else f"{bound:g}"
    if kind in ("too_short", "too_long"):
        return f"a list of {context['actual_length']}", f"give {words} {bound}"
    if kind == "string_too_short":
        return "empty", f"write {words} {bound} character{'s' if context[name] > 1 else ''}"
    if kind == "string_too_long":
        return f"{described(node)} is too long", f"write {words} {bound} characters"
    size = "small" if kind.startswith("greater") else "large"
    return f"{described(node)} is too {size}", f"give {words} {bound}"
