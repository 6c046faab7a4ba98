"""How long keys take until what they do is on the screen."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pyte
from terminal import Terminal, text

WAIT = 0.7
"""Seconds between two keys, and up to half a second more: rows come in between, or at once."""
ESCAPE, LEFT = "\x1b", "\x1b[D"


@dataclass(frozen=True)
class Seen:
    """What of a screen keys change."""

    text: str
    first: str
    """The title of the first plot, as far as its legend."""
    axis: str
    """The first plot's x axis."""
    frame: str
    """Colour of the second plot's frame."""


def seen(screen: pyte.Screen) -> Seen:
    """The screen in these terms."""
    lines = screen.display
    first = next((line.split("accelerator")[0] for line in lines if "1 Return" in line or "1 Success" in line), "")
    axis = next((line for line in lines if line.startswith("\u2570")), "")
    row = next((row for row, line in enumerate(lines) if " 2 " in line[:6]), None)
    return Seen(text(screen), first, axis, "" if row is None else screen.buffer[row][0].fg)


Happened = Callable[[Seen, Seen], bool]
"""Whether a key has done its work, by what was there before it and what is there now."""


def shows(words: str) -> Happened:
    return lambda _, now: words in now.text


def hides(words: str) -> Happened:
    return lambda _, now: words not in now.text


def moves_axis(before: Seen, now: Seen) -> bool:
    return bool(now.axis) and now.axis != before.axis


def turns_frame(before: Seen, now: Seen) -> bool:
    return bool(now.frame) and now.frame != before.frame


def changes_title(before: Seen, now: Seen) -> bool:
    return bool(now.first) and now.first != before.first


KEYS: tuple[tuple[str, str, Happened], ...] = (
    ("? help", "?", shows("Key bindings")),
    ("Esc from help", ESCAPE, hides("Key bindings")),
    ("z enlarge", "z", hides("2 Losses")),
    ("z back", "z", shows("2 Losses")),
    ("2 choose", "2", turns_frame),
    ("1 choose", "1", turns_frame),
    ("+ zoom in", "+", moves_axis),
    ("left", LEFT, moves_axis),
    ("0 all", "0", moves_axis),
    ("m smooth", "m", shows("smoothed 0.6")),
    ("m more", "m", shows("smoothed 0.9")),
    ("m off", "m", hides("smoothed")),
    ("y log", "y", changes_title),
    ("y linear", "y", changes_title),
    ("t time", "t", moves_axis),
    ("t steps", "t", moves_axis),
    ("R runs", "R", shows("steps/s")),
    ("Esc from runs", ESCAPE, shows("4 Events")),
    ("l log", "l", shows("at the end")),
    ("Esc from log", ESCAPE, shows("4 Events")),
)


def delays(terminal: Terminal, rounds: int) -> dict[str, list[float]]:
    """Milliseconds by key."""
    draws = random.Random(1)
    found: dict[str, list[float]] = {name: [] for name, _, _ in KEYS}
    for _ in range(rounds):
        for name, key, happened in KEYS:
            before = seen(terminal.screen())
            pressed = terminal.press(key)
            came = terminal.shows(lambda screen: happened(before, seen(screen)), name, 5)  # noqa: B023
            found[name].append(1e3 * (came - pressed))
            time.sleep(WAIT + draws.random() / 2)
    return found
