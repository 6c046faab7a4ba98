"""The list of runs: selecting, tagging, noting, and how often figures are sent."""

import json
import shutil

import pytest
from listing import at_once, line_of, listed, make, names, under_cursor
from test_dashboard import screen_text, shows, until

from acceltui.runs.notes import Notes, read_notes, write_notes
from acceltui.tui.catalog import Catalog
from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.messages import RunsListed


def marks(app):
    """The selected runs on the screen, each with its marker."""
    lines = [line for line in screen_text(app)[2:] if line[0] in "│|" and line[2] != " "]
    return {line[3:].split()[0]: line[2] for line in lines}


@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_the_selection_stays_with_its_runs(tmp_path, glyphs):
    for name, minutes in (("ant", 1), ("bee", 2), ("cat", 3)):
        make(tmp_path, name, minutes=minutes)
    first, second, third = glyphs.markers[:3]
    async with listed(make(tmp_path, "dog"), (80, 24), glyphs) as (app, pilot):
        await pilot.press("down", "space", "down", "down", "space")
        await until(pilot, lambda: marks(app) == {"ant": first, "cat": second} and shows(app, "2 selected"))
        assert "c Compare" in screen_text(app)[-1]
        await pilot.press("s", "S")
        await until(pilot, lambda: "name" + glyphs.order[1] in screen_text(app)[1])
        assert marks(app) == {"ant": first, "cat": second}
        at_once(app, "slash", "c", "a", "t")
        await until(pilot, lambda: marks(app) == {"cat": second} and shows(app, "2 selected"))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: marks(app) == {"ant": first, "cat": second})
        await pilot.press("end", "space", "up", "space", "up", "up", "space")
        await until(pilot, lambda: marks(app) == {"bee": first, "cat": second, "dog": third})
        await pilot.press("escape")
        await until(pilot, lambda: not marks(app) and not shows(app, "selected"))
        assert app.screen is app.runs and len(names(app)) == 4
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.dashboard)


async def test_more_than_eight_are_not_selected(tmp_path):
    for number in range(9):
        make(tmp_path, f"run{number}", minutes=number)
    async with listed(make(tmp_path, "last", minutes=60)) as (app, pilot):
        await pilot.press("home", *["space", "down"] * 9)
        await until(pilot, lambda: shows(app, "8 selected"))
        assert shows(app, "8 runs are selected, more cannot be compared")
        assert len(set(marks(app).values())) == 8 and "run8" not in marks(app)
        assert under_cursor(app) == "last"


async def test_a_selected_run_that_vanishes_is_selected_no_more(tmp_path):
    goes = make(tmp_path, "goes", minutes=2)
    async with listed(make(tmp_path, "stays")) as (app, pilot):
        await pilot.press("space", "down", "space")
        await until(pilot, lambda: shows(app, "2 selected"))
        shutil.rmtree(goes.folder.path)
        await until(pilot, lambda: shows(app, "1 selected") and list(marks(app)) == ["stays"])


async def test_tags_are_typed_kept_and_found(tmp_path):
    run = make(tmp_path, "one")
    make(tmp_path, "other", minutes=1)
    async with listed(run) as (app, pilot):
        at_once(app, "T", "+", "G", "enter")
        await until(pilot, lambda: shows(app, "tags: +G") and shows(app, "'+G': a tag is made of a-z"))
        assert not run.folder.notes.exists()
        await pilot.press("backspace", *"good q", "enter")
        await until(pilot, lambda: "+good +q" in line_of(app, "one"))
        assert json.loads(run.folder.notes.read_text()) == {"tags": ["good", "q"], "note": ""}
        await pilot.press("T")
        await until(pilot, lambda: shows(app, "+add -remove; has +good +q"))
        await pilot.press(*"-q", "enter", "slash", *"+go", "enter")
        await until(pilot, lambda: names(app) == ["one"])
        assert read_notes(run.folder).tags == ("good",)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_note_is_edited_and_shown(tmp_path, size):
    run = make(tmp_path, "one")
    write_notes(run.folder, Notes(("good",), "walks"))
    async with listed(run, size) as (app, pilot):
        assert shows(app, "one  +good  walks"), "under the list there is room at any size"
        assert (size[0] < 120) == ("walks" not in line_of(app, "RUNNING"))
        await pilot.press("n", *" on", "escape")
        await pilot.press("n", "backspace", "backspace", *"ts\\ it", "enter")
        await until(pilot, lambda: shows(app, "one  +good  walts\\ it"))
        assert read_notes(run.folder) == Notes(("good",), "walts\\ it")
        await pilot.press("n", "ctrl+u")
        at_once(app, *(301 * "x"), "enter")
        await until(pilot, lambda: shows(app, "at most 300 characters, and this one 301"))
        assert shows(app, "note: xxx") and len(screen_text(app)[-2]) == size[0]
        await pilot.press("escape", "slash", *"WALTS", "enter")
        await until(pilot, lambda: names(app) == ["one"] and shows(app, "/WALTS"))


async def test_what_cannot_be_written_is_said(tmp_path):
    run = make(tmp_path, "one")
    async with listed(run) as (app, pilot):
        run.folder.notes.mkdir()
        await pilot.press("n", "x", "enter")
        await until(pilot, lambda: shows(app, "notes.json of one cannot be written: Is a directory"))
        shutil.rmtree(run.folder.path)
        await pilot.press("escape", "T")
        await until(pilot, lambda: shows(app, "one is gone") or shows(app, "There is no run yet."))


async def test_figures_that_nobody_reads_wait_their_turn_and_states_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr("acceltui.tui.screens.runs.LOOK_EVERY", 1000.0)
    others = [make(tmp_path, f"other{number}", minutes=number + 1) for number in range(9)]
    run = make(tmp_path, "mine")
    async with listed(run) as (app, pilot):
        catalog = Catalog(tmp_path)

        async def look(step):
            """What the list shows after all runs have come to a step."""
            for one in (run, *others):
                one.beat(step=step, state="PAUSED" if one is others[4] and step == 2000 else "RUNNING")
            app.runs.on_runs_listed(RunsListed(catalog.look(), ""))
            await pilot.pause(0.1)
            return [
                name for name in ["mine", *(f"other{n}" for n in range(9))] if f"{step // 1000}k/" in line_of(app, name)
            ]

        new = [await look(step) for step in (1000, 2000, 3000)]
        assert all("mine" in shown for shown in new) and under_cursor(app) == "mine"
        assert all(len(shown) <= 5 for shown in new), "of ten"
        assert {name for shown in new for name in shown} >= {f"other{n}" for n in range(9)}, "each has its turn"
        assert "other4" in new[1] and "other4" in new[2], "it was paused, and then no more"
        app.runs.list.at_once = True
        assert len(await look(4000)) == 10
