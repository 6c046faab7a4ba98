"""Windows that are drawn to another size again and again, while rows come in and keys are pressed."""

import random
import re
from collections.abc import Callable

import pytest

from tests.e2e.terminal.screen import Terminal

SCREENS = {
    "dashboard": ("", "23z14z\tymtvi+-0"),
    "help": ("?", "jk "),
    "dialog": ("x", "\t"),
    "log": ("l", "kfgG"),
    "recipe": ("r", "kfgG"),
    "runs": ("R", "jk sS"),
    "compare": ("Rc", "jkmt"),
    "fork": ("Rf", "a\t"),
    "palette": ("\x10", "a\t"),
}
"""Keys that open a screen, and keys that do something there and leave it open."""
SIZES = ((20, 5), (40, 10), (80, 24), (1, 1), (200, 60))
CHANGING = re.compile(r"\d\d:\d\d(:\d\d)?|lag +\S+|cpu +\d+%|rss +\S+|disk +\S+|\d+m ago|\d+m\b")
"""What differs from one second to the next, and from one engine's life to the next."""


def still(terminal: Terminal) -> str:
    return CHANGING.sub("~", terminal.text)


def storm(terminal: Terminal, keys: str, sizes: int, chance: random.Random) -> None:
    """So many sizes; at the smallest, all of the keys."""
    for number in range(sizes):
        size = SIZES[number % len(SIZES)]
        if chance.random() < 0.5:
            size = (chance.randint(20, 200), chance.randint(5, 60))
        terminal.resize(*size)
        if size == (1, 1):
            terminal.read_for(0.05)
            terminal.press(keys)
        elif number % 3 == 0:
            terminal.press(chance.choice(keys))
        terminal.read_for(chance.choice((0, 0.01, 0.03)))


def test_no_size_breaks_a_screen(living: Callable, terminal_on: Callable) -> None:
    """After each storm it answers, and at the end it leaves as ever."""
    run = living("--rows-per-second", "5", "--rows", "3000", "--at", "0.2")
    terminal, chance = terminal_on(run.name), random.Random(0)
    for name, (opening, keys) in SCREENS.items():
        for key in opening:
            terminal.press(key)
            terminal.read_for(0.3)
        storm(terminal, keys, 30, chance)
        assert terminal.process.poll() is None, f"{name}: {terminal.text}"
        terminal.resize(120, 40)
        for _ in range(3):  # out of whatever is open
            terminal.press("\x1b")
            terminal.read_for(0.5)  # what follows an Esc too soon makes another key of it
        terminal.press("?")
        terminal.wait_for("Key bindings", 10)
        terminal.press("\x1b")
        terminal.wait_for(lambda: "Key bindings" not in terminal.text and "q Detach" in terminal.text, 10)
    terminal.press("q")
    assert terminal.wait_for_end(10) == 0
    assert "Error" not in terminal.text


def test_after_a_storm_all_is_drawn_as_if_there_had_been_none(living: Callable, terminal_on: Callable) -> None:
    run = living("--rows-per-second", "0.001")
    calm, stormy = terminal_on(run.name), terminal_on(run.name, columns=80, rows=24)
    storm(stormy, "\x1b", 80, random.Random(0))
    stormy.resize(120, 40)
    for terminal in (calm, stormy):
        terminal.read_for(2.0)
    stormy.wait_for(lambda: still(stormy) == still(calm), 10)


@pytest.mark.parametrize(("size", "values"), [((40, 10), 6), ((20, 5), 2)])
def test_the_smallest_windows_tell_the_state_and_the_newest_values(
    living: Callable, terminal_on: Callable, size: tuple[int, int], values: int
) -> None:
    terminal = terminal_on(living("--rows-per-second", "0.001").name, columns=size[0], rows=size[1])
    newest = ("acc 2,934", "tra 3,120", "critic 6.259", "clone 0.013", "env/s 57.0", "replay 100%")
    terminal.wait_for(lambda: all(text in terminal.text for text in ("70%", *newest[:values], "q Detach")), 10)
    assert "RUNNING" in terminal.screen.display[0] and "online" in terminal.screen.display[1]
