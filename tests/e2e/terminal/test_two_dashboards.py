"""Two people look at one run, each in a terminal of their own."""

from collections.abc import Callable

from acceltui.tui.commands import TAKEN_WITHIN, person
from tests.e2e.conftest import eventually


def test_what_one_asks_for_both_see_and_who_asked(living: Callable, terminal_on: Callable) -> None:
    run = living()
    one, other = terminal_on(run.name), terminal_on(run.name, columns=80, rows=24)
    one.press("p")
    # The bound is the product's promise, not a speed: past it the dashboard itself says that nobody took the command.
    eventually(lambda: list(run.acks.glob("*.json")), TAKEN_WITHIN)
    for terminal in (one, other):
        terminal.wait_for("PAUSED", 10)
        terminal.wait_for(f"pause done  by {person()}", 10)
    other.press("p")
    for terminal in (one, other):
        terminal.wait_for(lambda terminal=terminal: "RUNNING" in terminal.screen.display[0], 10)
        terminal.wait_for(f"unpause done  by {person()}", 10)
    one.press("q")
    assert one.wait_for_end(10) == 0
    other.press("c")
    other.wait_for("checkpoint: done at step", 10)
