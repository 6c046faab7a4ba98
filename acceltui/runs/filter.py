"""Which runs are meant: words that occur in what is known of a run, and conditions on its recipe, `seed=2`."""

import math
import operator
import re
from collections.abc import Iterable, Mapping

from acceltui.runs.text import clean

Values = Mapping[str, str | None]
"""What a recipe says under the keys that were looked for; None where it says nothing."""

SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CONDITION = re.compile(r"([A-Za-z_][\w.]*)(!=|<=|>=|=|<|>)([^=<>]+)")


class Filter:
    """Words and conditions, all of which have to hold."""

    def __init__(self, text: str = "") -> None:
        self.text = clean(text)
        parts = text.split()
        self.words = [part.lower() for part in parts if not is_condition(part)]
        read = {part: CONDITION.fullmatch(part) for part in parts if is_condition(part)}
        self.conditions = [tuple(map(str, found.groups())) for found in read.values() if found]
        """Key, sign and value of each."""
        self.keys = frozenset(key for key, _, _ in self.conditions)
        self.wrong = next((why for part, found in read.items() if (why := why_wrong(part, found))), "")
        """What of it cannot be understood, in a sentence."""

    def matches(self, known: str, values: Values) -> bool:
        """Whether a run is meant, by what is known of it and by its recipe, which has to have a key to match."""
        lower = known.lower()
        return (
            not self.wrong
            and all(word in lower for word in self.words)
            and all(holds(values.get(key), sign, value) for key, sign, value in self.conditions)
        )

    def trouble(self, recipes: Iterable[Values]) -> str:
        """Why nothing can match, in a sentence; empty where something may, or recipes are not read yet."""
        if self.wrong:
            return self.wrong
        every = list(recipes)
        unknown = (key for key in sorted(self.keys) if every and all(key in one and one[key] is None for one in every))
        return next((f"No recipe here has a value for {clean(key)!r}." for key in unknown), "")


def is_condition(word: str) -> bool:
    """Whether a word is one on the recipe, or was meant to be."""
    return any(sign in word for sign in "=<>")


def why_wrong(word: str, found: re.Match[str] | None) -> str:
    """What cannot be understood of a condition, in a sentence; empty where all can."""
    if found is None:
        return f"{clean(word)!r} is not understood: write key=value; = may be != < <= > >=."
    sign, value = found[2], found[3]
    if sign not in ("=", "!=") and number(value) is None:
        return f"{clean(word)!r} is not understood: {clean(value)!r} is no number, and {sign} compares numbers."
    return ""


def holds(found: str | None, sign: str, value: str) -> bool:
    """Whether a recipe's value is as asked for: as a number where both are, else as text."""
    if found is None:
        return False
    left, right = number(found), number(value)
    if left is not None and right is not None:
        return bool(SIGNS[sign](left, right))
    same = found.replace(" ", "").lower() == value.lower()
    return same if sign == "=" else sign == "!=" and not same


def number(text: str) -> float | None:
    """10_000 and 3e-4 as numbers; None for what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_values(resolved: str, keys: Iterable[str]) -> dict[str, str | None]:
    """What the text of a resolved.yaml has under dotted keys; items of lists are numbered.

    Not parsed, but read by its lines, which are our own: of hundreds of runs, parsing would take seconds.
    """
    found: dict[str, str | None] = dict.fromkeys(keys)
    path: list[tuple[int, str]] = []
    """Sections and items that the line is in, and how far each is indented."""
    for line in resolved.split("\n"):
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        while body.startswith("- "):
            while path and path[-1][0] > indent:
                path.pop()
            before = path.pop()[1] if path and path[-1][0] == indent and path[-1][1].isdigit() else "-1"
            path.append((indent, str(int(before) + 1)))
            body, indent = body[2:], indent + 2
        while path and path[-1][0] >= indent:
            path.pop()
        name, _, value = body.partition(":")
        if indent != (path[-1][0] + 2 if path else 0):  # a long text goes on
            continue
        if not value.strip():
            path.append((indent, name))
        elif (key := ".".join([*(part for _, part in path), name])) in found:
            found[key] = value.strip().strip("'\"")
    return found
