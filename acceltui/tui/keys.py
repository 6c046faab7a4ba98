"""Keys as they are shown, by the bindings themselves: what is remapped is told as it is."""

import unicodedata
from collections.abc import Iterable

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys
from textual.screen import Screen

NAMES = {
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "slash": "/",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "space": "Space",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
}
GROUPS = RUN, LIST, READING, TABLE, CURVES, SCREEN, LEAVE = tuple(
    map(Binding.Group, ("This run", "All runs", "Text", "Table", "Curves", "Screen", "Leave"))
)
"""What keys are about, in the order of the help."""
WRITING = frozenset({"switch", "pause", "command", "stop", "fork", "tag", "note"})
"""Actions that who only watches has not."""
Line = tuple[str, str]
"""Keys, and what they do."""
HELD = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
NAMED = {key.value.rpartition("+")[2] for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def is_key(name: str) -> bool:
    """Whether a terminal can send a key of this name: `L`, `ctrl+l`, `f2`, `question_mark`."""
    *held, last = name.split("+") if name != "+" else [name]
    if len(last) != 1 and last not in NAMED:
        try:
            unicodedata.lookup(last.replace("_", " "))
        except KeyError:
            return False
    return last.isprintable() and last != " " and HELD.issuperset(held)


def key_name(key: str) -> str:
    """A key as a person knows it."""
    *held, last = key.split("+") if key != "+" else [key]
    name = NAMES.get(last, last.upper() if last.startswith("f") and last[1:].isdigit() else last)
    return "+".join([*held, name])


def bindings_of(screen: Screen[None]) -> list[Binding]:
    """Of the screen and the application, those that are explained, in their order."""
    return [active.binding for active in screen.active_bindings.values() if active.binding.tooltip]


def key_line(bindings: Iterable[Binding]) -> list[Line]:
    """For the last line of a screen: of each action's keys the first, those of one name joined; how to leave comes
    first, and help last."""
    bindings = sorted(bindings, key=lambda one: (one.action == "help") - (one.group == LEAVE))
    lines: dict[str, list[str]] = {}
    seen: set[str] = set()
    for binding in bindings:
        if binding.show and binding.action not in seen:
            seen.add(binding.action)
            lines.setdefault(binding.description, []).append(key_name(binding.key))
    return [(keys[0] if len(keys) == 1 else f"{keys[0]}-{keys[-1]}", name) for name, keys in lines.items()]


def explained(bindings: Iterable[Binding]) -> dict[str, list[Line]]:
    """By group, all keys of each action and what it does."""
    groups: dict[str, dict[str, list[str]]] = {group.description: {} for group in GROUPS}
    for binding in bindings:
        group = binding.group.description if binding.group else SCREEN.description
        keys = groups[group].setdefault(binding.tooltip, [])
        if (name := key_name(binding.key)) not in keys:
            keys.append(name)
    return {group: [(" ".join(keys), what) for what, keys in lines.items()] for group, lines in groups.items() if lines}
