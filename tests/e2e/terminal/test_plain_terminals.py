"""Terminals and locales that know ASCII alone, and bytes that are no text."""

import os
import shutil
import subprocess
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from acceltui.runs.notes import Notes, write_notes
from tests.e2e.terminal.screen import Terminal

Layer = tuple[Any, ...]
"""A key, what it shows, and layers that are opened from there."""
HELP = ("?", "Key bindings")
LAYERS: tuple[Layer, ...] = (
    HELP,
    ("l", "engine.log"),
    ("r", "resolved.yaml"),
    ("R", "- Runs -", ("c", "Return over steps"), ("f", "Fork halfcheetah_pomdp s1 from")),
    ("\x10", "Search for commands"),
    ("i", "Return - at "),
)
"""Each screen and each dialog."""
PLAIN = (("TERM", "dumb"), ("TERM", None), ("TERM", "vt100"), ("LC_ALL", "C"))


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Latin-1 locale, which few machines have."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("no localedef here")
    subprocess.run(
        ["localedef", "-c", "-i", "POSIX", "-f", "ISO-8859-1", str(folder / "latin.ISO-8859-1")],
        capture_output=True,
        check=False,  # it warns of what POSIX has not
    )
    if not (folder / "latin.ISO-8859-1").is_dir():
        pytest.skip("no charmaps here")
    return folder


def look_at(terminal: Terminal, *layers: Layer) -> None:
    """Open each, look at what is within, and close it."""
    for key, shows, *within in layers:
        terminal.press(key)
        terminal.wait_for(shows, 10)
        look_at(terminal, *within)
        terminal.press("\x1b")
        terminal.wait_for(lambda shows=shows: shows not in terminal.text, 10)


@pytest.mark.parametrize(
    ("environment", "layers"),
    [({"TERM": "linux"}, LAYERS), *(({name: value}, [HELP]) for name, value in PLAIN)],
    ids=["TERM=linux", *("=".join(map(str, one)) for one in PLAIN)],
)
def test_no_byte_beyond_ascii_is_sent_and_the_terminal_is_restored(
    living: Callable, terminal_on: Callable, environment: dict[str, str | None], layers: Sequence[Layer]
) -> None:
    write_notes(living(), Notes(tags=("größer",), note="é"))
    terminal = terminal_on(**environment)
    assert not termios.tcgetattr(terminal.descriptor)[3] & termios.ICANON
    look_at(terminal, *layers)
    terminal.press("s")
    terminal.wait_for("not sent", 10)
    terminal.press("q")
    assert terminal.wait_for_end(10) == 0
    assert bytes(terminal.sent).isascii()
    assert termios.tcgetattr(terminal.descriptor)[3] & (termios.ICANON | termios.ECHO)
    assert terminal.sent.rfind(b"\x1b[?1049l") > terminal.sent.rfind(b"\x1b[?1049h")


def test_a_latin_locale_gets_ascii_and_who_asks_for_braille_gets_it(
    living: Callable, terminal_on: Callable, latin: Path
) -> None:
    living()
    locale = {"LOCPATH": str(latin), "LC_ALL": "latin.ISO-8859-1"}
    plain = terminal_on(**locale)
    look_at(plain, HELP)
    assert bytes(plain.sent).isascii()
    asked = terminal_on("--glyphs", "braille", **locale)
    look_at(asked, HELP)
    asked.press("q")
    assert asked.wait_for_end(10) == 0
    assert max(asked.sent.decode()) > "\u2800" and b"\\u" not in asked.sent


def test_bytes_that_are_no_text_do_no_harm(living: Callable, terminal_on: Callable) -> None:
    """A Latin-1 é, half a character, and what a bad line makes of any."""
    living()
    terminal = terminal_on()
    for noise in (b"\xe9", b"\xff\xfe\x80", b"\xe2\x94", bytes(range(128, 256))):
        os.write(terminal.descriptor, noise)
        terminal.read_for(0.2)
    terminal.press("?")
    terminal.wait_for("Key bindings", 5)
    terminal.press("\x1b")
    terminal.wait_for(lambda: "Key bindings" not in terminal.text, 5)
    terminal.press("q")
    assert terminal.wait_for_end(10) == 0
    assert "Error" not in terminal.text
