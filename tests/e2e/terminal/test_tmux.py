"""Inside tmux: pictures arrive, windows change, one leaves and comes back; and no key is one that tmux keeps."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.screen import Screen

from acceltui.runs.folder import RunFolder
from acceltui.tui.app import AccelApp
from acceltui.tui.screens.compare import Compare
from acceltui.tui.screens.confirm import Confirm
from acceltui.tui.screens.dashboard import Dashboard
from acceltui.tui.screens.fork import Fork
from acceltui.tui.screens.help import Help
from acceltui.tui.screens.log import LogScreen
from acceltui.tui.screens.recipe import RecipeScreen
from acceltui.tui.screens.runs import RunsScreen
from tests.e2e.conftest import ACCEL
from tests.e2e.terminal.screen import Terminal

SCREENS = (Dashboard, RunsScreen, Compare, LogScreen, RecipeScreen, Confirm, Fork, Help)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """The command line of a tmux server of the test's own."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]

    def call(*words: str) -> list[str]:
        return [*server, *words]

    yield call
    subprocess.run([*server, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def attached(tmp_path: Path, tmux: Callable[..., list[str]]) -> Iterator[Callable[[], Terminal]]:
    """A terminal whose tmux shows the dashboard; a second one comes back to the same session."""
    opened: list[Terminal] = []

    def start() -> Terminal:
        command = tmux("new-session", "-A", "-s", "accel", *ACCEL, "attach")
        opened.append(Terminal(command, tmp_path, columns=120, rows=41))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_it_is_right_in_tmux_also_after_a_resize_and_coming_back(
    living: Callable[..., RunFolder], attached: Callable[[], Terminal]
) -> None:
    living("--rows-per-second", "0.001")
    first = attached()
    first.wait_for("4 Events", 20)
    first.wait_for(lambda: max(first.text) > "\u2800", 5)
    row = next(row for row, line in enumerate(first.screen.display) if "1 Return" in line)
    assert {first.screen.buffer[row][column].fg for column in range(120)} - {"default"}, "colours"

    first.resize(80, 25)
    first.wait_for(lambda: "1 Return" in first.text and "q Detach" in first.text and "Machine" not in first.text, 10)
    first.resize(120, 41)
    first.wait_for("4 Events", 10)
    first.read_for(1.0)

    before = curves(first)
    first.press("\x02d")
    assert first.wait_for_end(10) == 0
    assert "detached" in first.text

    second = attached()
    second.wait_for(lambda: curves(second) == before, 10)
    second.press("p")
    second.wait_for("PAUSED", 10)
    second.press("q")
    assert second.wait_for_end(10) == 0


def curves(terminal: Terminal) -> list[str]:
    """The part of the screen that does not change by the second."""
    return terminal.screen.display[2:25]


@pytest.mark.parametrize("screen", [AccelApp, *SCREENS])
def test_no_key_is_one_of_tmux_or_screen_or_of_the_window_manager(screen: type[Screen[None]]) -> None:
    ours = [owner for owner in screen.__mro__ if owner.__module__.startswith("acceltui.")]
    bindings = [binding for owner in ours for binding in vars(owner).get("BINDINGS", ())]
    keys = list(Binding.make_bindings(bindings))
    assert keys
    for binding in keys:
        assert binding.key not in ("ctrl+a", "ctrl+b")
        assert not {"alt", "meta", "super", "cmd"} & set(binding.key.split("+"))
