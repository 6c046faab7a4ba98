"""A settings file of the person at the terminal: what it changes there, and what is said of a wrong one."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from tests.e2e.conftest import ACCEL
from tests.e2e.terminal.screen import Terminal

Write = Callable[[str], Path]


def test_keys_and_glyphs_are_those_of_the_file(
    living: Callable[..., RunFolder], terminal_on: Callable[..., Terminal], write_settings: Write
) -> None:
    write_settings("{glyphs: ascii, low_bandwidth: true, keys: {log: L, help: f2, detach: ctrl+x}}")
    terminal = terminal_on(living().name)
    terminal.wait_for("L Log", 10)
    assert "ctrl+x Detach" in terminal.text and "F2 Help" in terminal.text
    assert bytes(terminal.sent).isascii()
    terminal.press("l")
    terminal.press("L")
    terminal.wait_for("all well", 5)
    terminal.press("\x1b")
    terminal.wait_for("L Log", 5)
    terminal.press("\x1bOQ")
    terminal.wait_for("Key bindings", 5)
    terminal.wait_for(lambda: re.search(r" L +the engine's log", terminal.text) is not None, 5)
    terminal.press("\x1b")
    terminal.wait_for(lambda: "Key bindings" not in terminal.text, 5)
    terminal.press("q")
    terminal.read_for(0.5)
    assert terminal.process.poll() is None, "q is no longer the key"
    terminal.press("\x18")
    assert terminal.wait_for_end(10) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keys: {swich: S}", "there is no action 'swich'"),
        ("keys: {log: control-L}", "'control-L' is no key"),
        ("glyphs: brail", "glyphs"),
    ],
)
def test_a_wrong_file_is_told_and_no_dashboard_opens(
    living: Callable[..., RunFolder], write_settings: Write, tmp_path: Path, text: str, said: str
) -> None:
    living("--at", "0.01")
    write_settings(text)
    with closing(Terminal([*ACCEL, "attach"], tmp_path, columns=200)) as terminal:
        assert terminal.wait_for_end(20) == 2
        assert said in terminal.text and "settings.yaml" in terminal.text
        assert b"\x1b[?1049h" not in terminal.sent
        assert "Traceback" not in terminal.text
