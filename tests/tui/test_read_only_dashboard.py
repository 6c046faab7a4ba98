"""Watching only: nothing that writes has a key, a line of help or a way in; nothing is noted, and no hook is run."""

import pytest
from fake_run import make_run
from test_dashboard import commands_in, screen_text, shows, until

from acceltui.runs.settings import Notify, Settings
from acceltui.tui.app import AccelApp
from acceltui.tui.away import Seen
from acceltui.tui.glyphs import BRAILLE
from acceltui.tui.screens.help import Help

GONE = 2**22 + 1
"""No process has this number."""


def files_of(run):
    return sorted(path.relative_to(run.folder.path) for path in run.folder.path.rglob("*"))


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, at=0.2)


async def test_the_dashboard_has_no_key_that_writes(run):
    app, before = AccelApp(run.folder, BRAILLE, read_only=True), files_of(run)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: shows(app, "RUNNING") and "Detach" in screen_text(app)[-1])
        assert shows(app, "read-only")
        line = screen_text(app)[-1]
        for name in ("Switch", "Pause", "Evaluate", "Checkpoint", "Stop"):
            assert name not in line
        assert "Detach" in line and "Log" in line
        for key in "specx":
            await pilot.press(key, "y")
            await pilot.pause()
            assert app.screen is app.dashboard, key
        for action in ("switch", "stop", "pause", "command('evaluate')", "command('checkpoint')"):
            await app.run_action(action, app.dashboard)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and shows(app, "the engine's log"))
        assert not shows(app, "asks first") and not shows(app, "pause, or go on")
        await pilot.pause(0.3)
    assert commands_in(run) == [] and files_of(run) == before


async def test_the_list_of_runs_has_none_either(run):
    app, before = AccelApp(run.folder, BRAILLE, read_only=True), files_of(run)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.snapshot is not None)
        await pilot.press("R")
        await until(pilot, lambda: app.runs.list.run is not None and shows(app, "Attach"))
        line = screen_text(app)[-1]
        assert all(name not in line for name in ("Fork", "Tag", "Note")) and "Filter" in line
        for key in "fTn":
            await pilot.press(key)
            assert app.screen is app.runs and app.runs.under_list.entry is None, key
        await pilot.press("slash", "x")
        assert app.runs.list.filter == "x"
    assert files_of(run) == before


@pytest.mark.parametrize("read_only", [True, False])
async def test_no_hook_is_run_and_nothing_is_noted(run, tmp_path, monkeypatch, read_only):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = Settings(notify=Notify(hook=f"touch {tmp_path}/told"))
    app = AccelApp(run.folder, BRAILLE, settings=settings, read_only=read_only)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.snapshot is not None)
        run.beat(pid=GONE)
        await until(pilot, lambda: app.snapshot.state == "CRASHED")
        if not read_only:
            await until(pilot, (tmp_path / "told").exists)
        await pilot.pause(0.3)
    assert (tmp_path / "told").exists() != read_only
    assert bool(list(run.folder.path.glob(".crash-told-*"))) != read_only
    assert (Seen(run.folder).last() is None) == read_only
