"""With NO_COLOR nothing is told by colour."""

import re
from collections.abc import Callable

from tests.e2e.terminal.screen import Terminal

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
COLOURS = {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}


def marked(terminal: Terminal, text: str) -> set[str]:
    """How the first of this text on the screen stands out."""
    row, line = next((row, line) for row, line in enumerate(terminal.screen.display) if text in line)
    cell = terminal.screen.buffer[row][line.index(text)]
    return {name for name in ("bold", "reverse", "underscore") if getattr(cell, name)}


def test_no_colour_is_sent_and_all_can_be_told_apart(living: Callable, terminal_on: Callable) -> None:
    run = living("--rows-per-second", "0.001")
    living("--at", "0.2")
    terminal = terminal_on(run.name, NO_COLOR="1")
    terminal.wait_for("4 Events", 5)
    assert "─" in terminal.screen.display[1], "what is not done of a stage"

    before = marked(terminal, "╭─ 2 Losses")
    terminal.press("2")
    terminal.wait_for(lambda: marked(terminal, "╭─ 2 Losses") != before, 5)

    terminal.press("x")
    terminal.wait_for("Cancel", 5)
    assert marked(terminal, "Cancel") != marked(terminal, "Stop (y)")
    terminal.press("\t")
    terminal.wait_for(lambda: "reverse" in marked(terminal, "Stop (y)"), 5)
    assert "reverse" not in marked(terminal, "Cancel")
    terminal.press("\x1b")
    terminal.wait_for(lambda: "Cancel" not in terminal.text, 5)

    terminal.press("\x10")
    terminal.wait_for("all runs: attach", 5)
    terminal.press("\x1b[B")
    commands = [row for row, line in enumerate(terminal.screen.display) if line.startswith("  ")]
    underlined = {cell.underscore for row in commands for cell in terminal.screen.buffer[row].values()}
    assert underlined == {True, False}, "which command Enter would run"
    terminal.press("\x1b")
    terminal.wait_for(lambda: "all runs: attach" not in terminal.text, 5)

    terminal.press("R")
    terminal.wait_for("│\u203a  half", 5)
    terminal.press(" ")
    terminal.wait_for("│\u203a● half", 5)
    terminal.press("q")
    terminal.read_for(0.3)
    sent = {int(number or 0) for codes in SGR.findall(terminal.sent) for number in re.split(rb"[;:]", codes)}
    assert not sent & COLOURS
