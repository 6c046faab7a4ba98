"""The dialog that forks a run of the list."""

import json
import time

import pytest
from listing import MARK, line_of, listed, make, names
from test_dashboard import screen_text, shows, until

from acceltui.runs.files import seal
from acceltui.tui.screens.fork import Fork


def save(run, step, attempt=1, why="periodic"):
    """A checkpoint without weights, good enough to be listed and chosen."""
    path = run.folder.checkpoints / f"{step:010d}-{attempt}"
    path.mkdir()
    manifest = {"version": 3, "step": step, "attempt": attempt, "time": time.time() - 300, "why": [why]}
    recipe = path / "recipe.yaml"
    recipe.write_bytes(run.folder.resolved.read_bytes())
    files = {"recipe.yaml": seal(recipe)}
    manifest |= {
        "files": files,
        "replays": {},
        "stage": "accelerate",
        "leaving": None,
        "versions": {},
        "scratch": False,
    }
    (path / "manifest.json").write_text(json.dumps(manifest))


async def test_a_run_without_checkpoints_cannot_be_forked(tmp_path):
    async with listed(make(tmp_path, "one")) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: shows(app, "This run has no checkpoint to fork from."))
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Fork)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.runs)


async def answered(pilot, text):
    """Wait for a line that a process of its own has to come up with."""
    for _ in range(600):
        if shows(pilot.app, text):
            return
        await pilot.pause(0.1)
    raise AssertionError("\n".join(screen_text(pilot.app)))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_the_fork_dialog_lists_checkpoints_and_takes_changes(tmp_path, size):
    run = make(tmp_path, "one")
    for step, attempt, why in ((25_000, 1, "periodic"), (50_000, 1, "best"), (50_000, 2, "switch"), (75_000, 2, "end")):
        save(run, step, attempt, why)
    async with listed(run, size) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: shows(app, "75,000"))
        steps = [line.split(",000")[0].split()[-1] for line in screen_text(app) if ",000  accelerate" in line]
        assert steps == ["75", "50", "25"], "the newest first, each step once"
        assert "switch" in line_of(app, "50,000") and "5m ago" in line_of(app, "50,000")
        await pilot.press("down", "down", "down", "up", *"env.id='Ant-v5", "enter")
        await until(pilot, lambda: shows(app, "cannot be read: No closing quotation"))
        assert shows(app, "env.id='Ant-v5") and MARK in line_of(app, "50,000")
        assert shows(app, "Enter Start")


async def test_what_is_wrong_with_a_fork_is_shown_and_nothing_typed_is_lost(tmp_path):
    run = make(tmp_path, "one")
    save(run, 25_000)
    save(run, 50_000)
    async with listed(run, (80, 24)) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: shows(app, "50,000"))
        await pilot.press("down", *"env.id='Ant-v5'", "tab", *"mine", "enter")
        await until(pilot, lambda: shows(app, "starting from step 25,000 ..."))
        save(run, 75_000)
        await answered(pilot, "A fork cannot change env.id: what was learned is of another")
        await until(pilot, lambda: shows(app, "75,000"))
        assert shows(app, "env.id='Ant-v5'") and shows(app, "mine") and MARK in line_of(app, "25,000")
        await pilot.press("shift+tab", "home", *"--share ", "enter")
        await answered(pilot, "override 1: --share: not of the form")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.runs)
        assert names(app) == ["one"]
