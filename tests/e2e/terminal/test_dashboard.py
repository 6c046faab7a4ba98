"""What a person does in a terminal, on the real engine: switch by key, close the laptop, come back, meet a crash."""

import getpass
import os
import signal
from collections.abc import Iterator

import pytest

from acceltui.runs.status import read_status
from tests.e2e.conftest import ACCEL, Runs, eventually
from tests.e2e.terminal.screen import Terminal

LONG = ("accelerator.steps=100000", "online.steps=100000", "switch=null", "engine.threads=1")
"""Budgets that outlast a test; nothing switches but the key."""


@pytest.fixture
def open_terminal(runs: Runs) -> Iterator:
    """Opens terminals in the runs' folder, and closes them."""
    opened: list[Terminal] = []

    def start(*words: str, **size: int) -> Terminal:
        opened.append(Terminal([*ACCEL, *words], runs.folder, **size))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_the_key_switches_the_stage(runs: Runs, open_terminal) -> None:
    """`s` then `y`: taken within two seconds, an event with who, when and where, a mark, stage online."""
    terminal = open_terminal("run", "pendulum_quick", *LONG, "evaluation.every=2000")
    terminal.wait_for("RUNNING", 60)
    eventually(lambda: runs.step() > 2_000, 60)
    terminal.press("s")
    terminal.wait_for("Cancel", 5)
    assert not list(runs.newest().acks.glob("*.json")), "the dialog alone must not switch"
    pressed = runs.step()
    terminal.press("y")
    # The bound is the product's promise, not a speed: past it the dashboard itself says that nobody took the command.
    eventually(lambda: list(runs.newest().acks.glob("*.json")), 2)

    event = eventually(lambda: runs.events("switch"), 60)[0]
    assert event["by"].startswith(getpass.getuser())
    assert event["step"] >= pressed
    assert event["time"] > 0
    terminal.wait_for("stage 2/2", 10)
    terminal.wait_for(lambda: any("switch" in line and "│" in line for line in terminal.screen.display[2:20]), 20)
    status = eventually(lambda: (s := read_status(runs.newest())) and s.step > event["step"] + 100 and s, 60)
    assert status.stage == "online"


def test_declining_changes_nothing(runs: Runs, open_terminal) -> None:
    """Escape leaves the dialog, and stage accelerate goes on."""
    terminal = open_terminal("run", "pendulum_quick", *LONG)
    terminal.wait_for("RUNNING", 60)
    terminal.press("s")
    terminal.wait_for("Cancel", 5)
    terminal.press("\x1b")
    terminal.wait_for(lambda: "Cancel" not in terminal.text, 5)
    step = runs.step()
    eventually(lambda: runs.step() > step + 200, 60)
    assert not runs.events("switch")
    assert not list(runs.newest().acks.iterdir())


def test_closing_the_terminal_leaves_the_engine_running(runs: Runs, open_terminal) -> None:
    """After a dropped line the dashboard is gone, the step count rises, and `attach` shows the whole history."""
    first = open_terminal("run", "pendulum_quick", *LONG)
    first.wait_for("RUNNING", 60)
    first.wait_for(lambda: runs.step() > 1_000, 60)
    first.hang_up()
    assert first.process.wait(10) is not None
    step = runs.step()
    eventually(lambda: runs.step() > step + 500, 60)

    second = open_terminal("attach")
    second.wait_for("RUNNING", 10)
    second.wait_for("Pendulum-v1", 10)  # the very first event
    second.press("q")
    assert second.wait_for_end(10) == 0
    assert f"accel attach {runs.newest().name}" in second.text
    step = runs.step()
    eventually(lambda: runs.step() > step, 30)


def test_a_killed_engine_is_called_crashed(runs: Runs, open_terminal) -> None:
    """kill -9: the dashboard and `accel ls` say CRASHED within ten seconds."""
    terminal = open_terminal("run", "pendulum_quick", *LONG)
    terminal.wait_for("RUNNING", 60)
    status = read_status(runs.newest())
    assert status is not None and status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    terminal.wait_for("CRASHED", 10)
    assert "CRASHED" in runs.call("ls").stdout


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (30, 8)])
def test_small_terminals_work(runs: Runs, open_terminal, size: tuple[int, int]) -> None:
    """The state and the newest step are there at any size, and `q` leaves."""
    runs.start(*LONG)
    terminal = open_terminal("attach", columns=size[0], rows=size[1])
    terminal.wait_for("RUNNING", 10)
    terminal.press("q")
    assert terminal.wait_for_end(10) == 0
