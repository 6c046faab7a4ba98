"""`accel settings`, and that what can be set or called is in the documentation."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.recipe.describe import plain_values
from acceltui.runs.settings import Settings, section_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "command_line.md"
Write = Callable[[str], Path]


def accel(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_settings_are_shown_as_they_hold(write_settings: Write) -> None:
    file = write_settings("notify: {hook: make noise, on: [crash]}\nkeys: {stop: X}\n")
    shown = accel("settings")
    assert shown.startswith(f"# {file}\nglyphs: auto\n")
    assert "hook: make noise" in shown
    told = json.loads(accel("settings", "--json"))
    assert (told["path"], told["exists"], told["settings"]["keys"]) == (str(file), True, {"stop": "X"})
    assert told["settings"]["notify"] == {"bell": True, "osc9": False, "hook": "make noise", "on": ["crash"]}
    write_settings(shown)
    assert accel("settings") == shown, "what is shown can be used as a file"


def test_without_a_file_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert accel("settings").startswith(f"# {tmp_path}/accel/settings.yaml (not there: these are the defaults)\n")
    assert json.loads(accel("settings", "--json"))["exists"] is False


def test_every_key_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| (.+?) \|", DOCUMENT.read_text(), re.MULTILINE))
    assert set(rows) == set(plain_values(section_of(Settings)))
    values = asdict(Settings())
    for path, written in rows.items():
        value = values
        for key in path.split("."):
            value = value[key]
        shown = (
            {None: "none", True: "`true`", False: "`false`"}.get(value) if not isinstance(value, list | dict) else None
        )
        assert written == (shown or f"`{value}`".replace("'", "")), path


def test_every_command_that_is_documented_is_there() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"`accel ([a-z]+)", DOCUMENT.read_text()))
    assert {"switch", "status", "metrics", "settings"} <= named <= set(commands)


def test_the_example_can_be_used(write_settings: Write) -> None:
    [example] = re.findall(r"```yaml\n(.+?)```", DOCUMENT.read_text(), re.DOTALL)
    write_settings(example)
    assert "ntfy" in accel("settings")
