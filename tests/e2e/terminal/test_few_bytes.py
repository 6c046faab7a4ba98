"""Over a slow line, what comes and goes on the screen is sent once."""

import re
from collections.abc import Callable

from tests.e2e.terminal.screen import Terminal

CONTROL = re.compile(rb"\x1b\[[0-9;?<>=$]*[a-zA-Z]|\x1b\][^\a]*\a|[\x00-\x1f]")


def pictures(terminal: Terminal, keys: str, until: Callable[[], bool]) -> float:
    """How often the screen was sent for some keys, by the characters that came."""
    begin = len(terminal.sent)
    terminal.press(keys)
    terminal.wait_for(until, 10)
    terminal.read_for(0.7)
    characters = CONTROL.sub(b"", bytes(terminal.sent[begin:])).decode(errors="ignore")
    return len(characters) / (terminal.screen.columns * terminal.screen.lines)


def test_what_lay_below_a_screen_that_goes_is_sent_once(living: Callable, terminal_on: Callable) -> None:
    run = living("--rows-per-second", "0.001")
    terminal = terminal_on(run.name)
    terminal.wait_for("4 Events", 5)
    terminal.read_for(2)  # until all is drawn
    for key, shown in (("?", "Key bindings"), ("l", "f Follow"), ("R", "1 run")):
        pictures(terminal, key, lambda shown=shown: shown in terminal.text)
        assert pictures(terminal, "\x1b", lambda shown=shown: shown not in terminal.text) < 1.5, key


def test_with_low_bandwidth_a_screen_that_comes_is_sent_once(living: Callable, terminal_on: Callable) -> None:
    run = living("--rows-per-second", "0.001")
    terminal = terminal_on(run.name, "--low-bandwidth")
    terminal.wait_for("4 Events", 5)
    terminal.read_for(2)  # until all is drawn
    for key, shown in (("l", "f Follow"), ("R", "1 run")):
        assert pictures(terminal, key, lambda shown=shown: shown in terminal.text) < 1.5, key
        pictures(terminal, "\x1b", lambda shown=shown: shown not in terminal.text)
