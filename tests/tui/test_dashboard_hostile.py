"""The dashboard on a folder in which every text is meant for the terminal, or for whoever renders markup."""

import json
import unicodedata

import pytest
from fake_run import make_run
from test_dashboard import dashboard, screen_text, shows, until

from acceltui.runs.commands import CommandInbox
from acceltui.tui.app import farewell

HOSTILE = "\x1b]0;t\x07\x1b[2J\x9b31m\x1bP1\x9c\u202e\u2066\u200b\x00\x08\x7f\x85[bold red]@[/]$x{0}%s[@click=app.quit]"
SHOWN = "[bold red]@[/]$x{0}%s[@click=app.quit]"


def poison(value):
    """A document with hostile text in the place, or at the end, of each text."""
    match value:
        case dict():
            return {key: poison(part) for key, part in value.items()} | {HOSTILE: HOSTILE}
        case str():
            return value + HOSTILE
    return value


def harmless(app):
    for line in screen_text(app):
        assert {unicodedata.category(character) for character in line}.isdisjoint({"Cc", "Cf", "Cs"}), repr(line)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
@pytest.mark.parametrize("state", ["RUNNING", "FAILED", HOSTILE])
async def test_no_text_of_a_folder_reaches_the_terminal_as_it_is(tmp_path, size, state):
    run = make_run(tmp_path, at=0.2, state=state, stage=HOSTILE, error={"kind": HOSTILE, "message": HOSTILE})
    status = json.loads(run.folder.status.read_text())
    kept = {key: status[key] for key in ("state", "host", "error", "stage")}
    run.folder.status.write_text(json.dumps(poison(status) | kept))
    run.events.append(HOSTILE, HOSTILE, step=9, by=HOSTILE)
    run.metrics.append(run.step + 1, HOSTILE, {HOSTILE: 1.0})
    run.folder.log.write_text(f"{HOSTILE}\n" * 50)
    run.folder.resolved.write_bytes(HOSTILE.encode())
    async with dashboard(run, size) as (app, pilot):
        await until(pilot, lambda: app.snapshot.rows and app.snapshot.events[-1].by)
        harmless(app)
        for key in (
            "1",
            "2",
            "3",
            "4",
            "z",
            "escape",
            "s",
            "escape",
            "x",
            "escape",
            "question_mark",
            "escape",
            "l",
            "g",
        ):
            await pilot.press(key)
            await pilot.pause()
            harmless(app)
        assert shows(app, SHOWN[: size[0] - 4]), "what can be shown of the log is shown, markup too"
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
    line = farewell(run.folder, app.snapshot)
    assert line is None or {unicodedata.category(character) for character in line}.isdisjoint({"Cc", "Cf"})


async def test_an_answer_is_shown_as_it_is(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press("e")
        inbox = CommandInbox(run.folder)
        await until(pilot, lambda: list(run.folder.commands.glob("*.json")))
        (command,) = inbox.poll()
        inbox.ack(command, "refused", HOSTILE)
        await until(pilot, lambda: shows(app, "evaluate: refused,") and shows(app, SHOWN))
        harmless(app)
