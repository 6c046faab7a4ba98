"""The dashboard by a person's settings: other keys, a slow line, the bell, the hook of an engine that was killed."""

import pytest
from fake_run import make_run
from test_dashboard import screen_text, shows, until

from acceltui.runs.paths import RunError
from acceltui.runs.settings import Notify, Settings
from acceltui.tui.app import AccelApp, attach, chosen_settings
from acceltui.tui.glyphs import BRAILLE
from acceltui.tui.screens.help import Help
from acceltui.tui.screens.log import LogScreen
from acceltui.tui.watch import IDLE_INTERVAL, INTERVAL, LOW_INTERVAL

GONE = 2**22 + 1
"""No process has this number."""


async def test_a_key_that_was_changed_works_and_is_told(tmp_path):
    app = AccelApp(make_run(tmp_path).folder, BRAILLE, settings=Settings(keys={"log": "L", "panel-2": "f2"}))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shows(app, "L Log") and not shows(app, " l Log"))
        await pilot.press("l")
        assert app.screen is app.dashboard
        await pilot.press("f2")
        assert app.dashboard.chosen == "losses"
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and shows(app, "L "))
        await pilot.press("escape", "L")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))


def test_an_action_that_is_none_is_refused(tmp_path, write_settings):
    file = write_settings("keys: {swich: S}")
    with pytest.raises(
        RunError, match=r"there is no action 'swich'\. There are detach, palette, copy, help, switch,"
    ) as refused:
        attach(make_run(tmp_path).folder, runs_root=tmp_path)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize("key", ["''", "' '", "control-L", "hello", "ctrl+", "f99", "'L,ctl+x'"])
def test_a_key_that_is_none_is_refused(tmp_path, write_settings, key):
    write_settings(f"keys: {{log: {key}}}")
    with pytest.raises(RunError, match=r"keys\.log: '.*' is no key\. Keys are L, ctrl\+l"):
        attach(make_run(tmp_path).folder, runs_root=tmp_path)


@pytest.mark.parametrize("key", ["L", "+", "'?'", "ctrl+x", "shift+f2", "slash", "pageup", "'L,f5'", "é"])
def test_a_key_that_is_one_is_taken(write_settings, key):
    write_settings(f"keys: {{log: {key}}}")
    assert chosen_settings().keys == {"log": key.strip("'")}


def test_the_command_line_wins_over_the_settings(write_settings):
    write_settings("{glyphs: block, low_bandwidth: false}")
    assert chosen_settings().glyphs == "block"
    changed = chosen_settings(glyphs="ascii", low_bandwidth=True)
    assert (changed.glyphs, changed.low_bandwidth) == ("ascii", True)


def test_on_a_slow_line_one_looks_less_often(tmp_path):
    app = AccelApp(make_run(tmp_path).folder, BRAILLE, settings=Settings(low_bandwidth=True))
    assert app._watch_thread.interval == LOW_INTERVAL


async def test_of_a_paused_run_one_looks_less_often_until_it_goes_on(tmp_path):
    run = make_run(tmp_path, at=0.2)
    async with AccelApp(run.folder, BRAILLE).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: pilot.app.snapshot is not None and pilot.app._watch_thread.interval == INTERVAL)
        run.beat("PAUSED")
        await until(pilot, lambda: pilot.app._watch_thread.interval == IDLE_INTERVAL)
        run.beat()
        await until(pilot, lambda: pilot.app._watch_thread.interval == INTERVAL)


@pytest.mark.parametrize("on", [["switch"], ["finish"]])
async def test_the_bell_rings_at_the_switch_where_that_is_wanted(tmp_path, monkeypatch, on):
    run = make_run(tmp_path, at=0.2)
    app = AccelApp(run.folder, BRAILLE, settings=Settings(notify=Notify(on=on)))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.snapshot is not None)
        written = []
        monkeypatch.setattr(app._driver, "write", written.append)
        run.beat(stage="online")
        await until(pilot, lambda: app.snapshot.status.stage == "online")
        assert any("\a" in text for text in written) == (on == ["switch"])


async def test_the_hook_of_a_killed_engine_is_run_once_however_many_watch(tmp_path):
    run = make_run(tmp_path)
    settings = Settings(notify=Notify(hook=f'echo "$ACCEL_EVENT $ACCEL_STATE" >> {tmp_path}/told'))
    for _ in range(2):
        run.beat("RUNNING")
        app = AccelApp(run.folder, BRAILLE, settings=settings)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda app=app: app.snapshot is not None)
            run.beat(pid=GONE)
            await until(pilot, lambda app=app: app.snapshot.state == "CRASHED")
            await until(pilot, lambda: (tmp_path / "told").exists())
            assert any("CRASHED" in line for line in screen_text(app))
            await pilot.pause(0.3)
    assert (tmp_path / "told").read_text() == "crash CRASHED\n"
