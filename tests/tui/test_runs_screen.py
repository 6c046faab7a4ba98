"""The list of all runs in Textual's headless terminal, on folders that `fake_run` wrote."""

import os
import shutil
import time

import pytest
from listing import GONE, MARK, at_once, line_of, listed, make, names, under_cursor
from test_dashboard import commands_in, screen_text, shows, until

from acceltui.runs.commands import CommandInbox
from acceltui.tui.app import farewell
from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.screens.help import Help


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (96, 30), (80, 24), (60, 15), (45, 10), (20, 6), (5, 2)])
@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_every_size_shows_something(tmp_path, size, glyphs):
    make(tmp_path, "maniskill_push_a_cube_about_ppo-s3-20260102-030405-abcd", minutes=9)
    async with listed(make(tmp_path, "one"), size, glyphs) as (app, _):
        lines = screen_text(app)
        assert len(lines) == size[1] and all(len(line) == size[0] for line in lines)
        assert size[1] < 6 or shows(app, "one")
        assert size[0] < 40 or "RUNNING" in line_of(app, "one")
        assert size[0] < 40 or " s3 " in line_of(app, "maniskill"), "the seed stays when a name is cut"
        if glyphs is ASCII:
            assert all(line.isascii() for line in lines)


async def test_each_run_tells_its_facts_and_the_newest_comes_first(tmp_path):
    error = {"kind": "environment", "message": "Gymnasium has no environment 'HalfCheeta-v5'"}
    make(tmp_path, "crashed", minutes=3 * 60, at=0.2, pid=GONE)
    make(tmp_path, "failed", minutes=2, state="FAILED", error=error)
    make(tmp_path, "pendulum_quick-s7-20260102-030405-abcd", minutes=5, state="FINISHED", step=150_000)
    run = make(tmp_path, "new")
    best = run.latest["transformer/return"]
    async with listed(run) as (app, pilot):
        assert names(app) == ["new", "failed", "pendulum_quick", "crashed"]
        assert shows(app, "4, 1 running")
        new = line_of(app, "new")
        assert "halfcheetah_pomdp s1" in new, "a run with a name of its own tells its recipe beside it"
        for fact in ("RUNNING", "online", "105k/150k", "70%", f"{best:,.0f}", "<1m"):
            assert fact in new, (fact, new)
        assert float(new.split()[-4]) > 0, "steps a second"
        crashed = line_of(app, "crashed").split()
        assert "CRASHED" in crashed and "accelerate" in crashed and "3h00m" in crashed
        assert crashed[-4] == "-", "what is gone has no speed"
        finished = line_of(app, "pendulum_quick s7").split()
        assert "FINISHED" in finished and "100%" in finished and "5m" in finished
        await pilot.press("down")
        await until(pilot, lambda: shows(app, f"failed  {error['message']}"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_key_line_and_the_help_name_the_key(tmp_path, size):
    run = make(tmp_path, "one")
    async with listed(run, size) as (app, pilot):
        for key, name in (("Enter", "Attach"), ("f", "Fork"), ("/", "Filter"), ("s", "Sort"), ("Esc", "Back")):
            assert f"{key} {name}" in screen_text(app)[-1]
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Help) and shows(app, "start a new run from a checkpoint")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: shows(app, "R Runs"))


@pytest.mark.parametrize("key", ["escape", "q", "R"])
async def test_leaving_the_list_is_one_layer_back(tmp_path, key):
    run = make(tmp_path, "one")
    async with listed(run) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: app.screen is app.dashboard and shows(app, "1 Return"))
        assert app.is_running and app.folder == run.folder


async def test_enter_attaches_to_the_run_under_the_cursor(tmp_path):
    make(tmp_path, "newest")
    run = make(tmp_path, "first", minutes=1)
    other = make(tmp_path, "other", minutes=2, at=0.2)
    async with listed(run) as (app, pilot):
        assert under_cursor(app) == "first", "it begins on the run that was watched"
        await pilot.press("down")
        at_once(app, "enter", "enter")
        await until(pilot, lambda: app.screen is app.dashboard and shows(app, f"accel {MARK}other"))
        await until(pilot, lambda: shows(app, "stage 1/2 accelerate") and shows(app, "30k/75k"))
        assert app.screen_stack == [app.dashboard]
        await pilot.press("e")
        await until(pilot, lambda: commands_in(other))
        assert not commands_in(run)
        (command,) = CommandInbox(other.folder).poll()
        CommandInbox(other.folder).ack(command, "done", step=30_001)
        await until(pilot, lambda: shows(app, "evaluate: done at step 30,001"))
        other.metrics.append(31_000, "accelerate", {"accelerator/return": 9876.0, "accelerator/std": 1.0})
        await until(pilot, lambda: shows(app, "accelerator 9,876"))
        await pilot.press("R")
        await until(pilot, lambda: app.screen is app.runs and under_cursor(app) == "other")
    assert farewell(app.folder, app.snapshot) == "The engine goes on (RUNNING): accel attach other"


async def test_the_list_is_live_and_the_cursor_stays_on_its_run(tmp_path):
    run = make(tmp_path, "mine", at=0.2)
    make(tmp_path, "older", minutes=4)
    async with listed(run) as (app, pilot):
        run.advance()
        run.beat(state="PAUSED")
        await until(pilot, lambda: "PAUSED" in line_of(app, "mine") and "35k/150k" in line_of(app, "mine"))
        make(tmp_path, "younger")
        await until(pilot, lambda: names(app) == ["younger", "mine", "older"])
        assert under_cursor(app) == "mine"
        run.beat(state="FINISHED", pid=GONE)
        await until(pilot, lambda: "FINISHED" in line_of(app, "mine") and shows(app, "3, 2 running"))


async def test_a_run_of_another_host_is_judged_by_its_heartbeat(tmp_path):
    far = make(tmp_path, "far", host="elsewhere", pid=GONE)
    silent = make(tmp_path, "silent", minutes=1, host="elsewhere", pid=GONE)
    os.utime(silent.folder.status, (time.time() - 60, time.time() - 60))
    async with listed(far) as (app, _):
        assert "RUNNING" in line_of(app, "far") and "STALLED" in line_of(app, "silent")


async def test_nothing_is_drawn_when_nothing_changed(tmp_path):
    run = make(tmp_path, "one")
    progress = run._progress(run.switch_step, run.step - run.switch_step)
    run.beat(progress=progress)
    async with listed(run) as (app, pilot):
        drawn, looks = [], []
        app.runs.list.refresh = lambda *regions, **layout: drawn.append(regions)
        show = app.runs.list.show
        app.runs.list.show = lambda *look: (looks.append(look), show(*look))
        await until(pilot, lambda: (run.beat(progress=progress), len(looks) >= 2)[1])
        assert not drawn
        run.beat(progress=progress, step=120_000)
        await until(pilot, lambda: drawn)
        (regions,) = drawn
        assert [(region.y, region.height) for region in regions] == [(2, 1)], "one line, not the list"
        assert regions[0].width < 40, "and of it only what changed"


async def test_the_filter_narrows_by_name_or_state_and_escape_takes_it_back(tmp_path):
    make(tmp_path, "ant_pomdp-s1-20260102-030405-abcd", minutes=3, state="FINISHED")
    make(tmp_path, "ant_pomdp-s2-20260102-030405-abcd", minutes=2, pid=GONE)
    async with listed(make(tmp_path, "hopper"), (80, 24)) as (app, pilot):
        at_once(app, "slash", *"ant")
        await until(pilot, lambda: names(app) == ["ant_pomdp", "ant_pomdp"])
        assert shows(app, "/ant") and shows(app, "2 of 3")
        await pilot.press("space", *"CRASH")
        await until(pilot, lambda: names(app) == ["ant_pomdp"] and "CRASHED" in line_of(app, "ant_pomdp"))
        await pilot.press("q")
        await until(pilot, lambda: shows(app, "No run matches 'ant CRASHq'."))
        await pilot.press("escape")
        await until(pilot, lambda: len(names(app)) == 3)
        assert app.runs.under_list.entry is None and app.screen is app.runs
        await pilot.press(*"/hop", "enter")
        await until(pilot, lambda: names(app) == ["hopper"])
        assert app.runs.under_list.entry is None and app.screen is app.runs
        await pilot.press("escape")
        await until(pilot, lambda: len(names(app)) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.dashboard)


async def test_sorting_by_each_column_and_the_other_way_round(tmp_path):
    def best(run, value):
        run.beat(progress={**run._progress(0, 0), "best_return": value})

    first, second, none = (make(tmp_path, name, minutes=age) for name, age in (("b", 3), ("c", 2), ("a", 1)))
    best(first, 5.0)
    best(second, 900.0)
    best(none, None)
    async with listed(none) as (app, pilot):
        assert names(app) == ["a", "c", "b"] and "age▴" in screen_text(app)[1]
        await pilot.press("s")
        await until(pilot, lambda: names(app) == ["a", "b", "c"] and "name▴" in screen_text(app)[1])
        for _ in range(6):
            await pilot.press("s")
        await until(pilot, lambda: "best▾" in screen_text(app)[1])
        assert names(app) == ["c", "b", "a"]
        await pilot.press("S")
        await until(pilot, lambda: "best▴" in screen_text(app)[1])
        assert names(app) == ["b", "c", "a"], "what has no value comes last either way"
        assert under_cursor(app) == "a"


async def test_more_runs_than_lines_scroll(tmp_path):
    for number in range(30):
        shutil.copytree(make(tmp_path, f"x{number}", minutes=number).folder.path, tmp_path / f"y{number:02d}")
    run = make(tmp_path, "zz", minutes=-1)
    async with listed(run, (80, 24)) as (app, pilot):
        assert len(names(app)) == 24 - 5
        await pilot.press("end")
        await until(pilot, lambda: under_cursor(app) == "x29")
        await pilot.press("home")
        await until(pilot, lambda: under_cursor(app) == "zz")
        await pilot.press("pagedown", "up")
        await until(pilot, lambda: under_cursor(app) == names(app)[-2])


async def test_text_from_the_folders_is_shown_as_it_is(tmp_path):
    error = {"kind": "crash", "message": "[red]not[/] \x1b]0;owned\x07[@click=app.quit]mark[/]up \x1b[31m\u202e$x"}
    make(tmp_path, "states", state="[b]a\x1b[2J\u202eb", stage="[i]s\x07")
    make(tmp_path, "wide", minutes=1, state="状態状態状態状態", stage="段階段階段階段階", step=2**80)
    odd = make(tmp_path, "odd", minutes=2)
    odd.folder.status.write_text('{"state": 7}')
    recipe = make(tmp_path, "recipe", minutes=3)
    recipe.folder.resolved.write_text("name: '[u]x\x1b[2J'\nseed: 12\n")
    async with listed(make(tmp_path, "failed", state="FAILED", error=error, minutes=-1)) as (app, _):
        assert shows(app, "● [b]ab") and shows(app, "[i]s") and shows(app, "UNREADABLE")
        assert shows(app, "'[u]x' s12")
        assert shows(app, "failed  [red]not[/] [@click=app.quit]mark[/]up $x")
        text = screen_text(app)
        assert not any(chr(code) in line for line in text for code in (0x1B, 0x07, 0x202E))
        for name in ("states", "odd", "recipe"):
            assert len(line_of(app, name)) == 120
        assert line_of(app, "wide").endswith("│")


async def test_an_empty_folder_says_so(tmp_path):
    run = make(tmp_path / "elsewhere", "one")
    async with listed(run, root=tmp_path / "runs") as (app, pilot):
        assert shows(app, "There is no run yet.")
        await pilot.press("down", "s", "enter", "f", "up")
        await pilot.pause(0.1)
        assert app.screen is app.runs


async def test_a_folder_that_vanishes_leaves_the_list(tmp_path):
    run = make(tmp_path, "stays", minutes=2)
    gone = make(tmp_path, "goes", minutes=1)
    async with listed(run) as (app, pilot):
        await pilot.press("up")
        await until(pilot, lambda: under_cursor(app) == "goes")
        shutil.rmtree(gone.folder.path)
        await until(pilot, lambda: names(app) == ["stays"] and under_cursor(app) == "stays")
        shutil.rmtree(run.folder.path)
        await until(pilot, lambda: shows(app, "There is no run yet."))


@pytest.mark.parametrize("key", ["enter", "f"])
async def test_a_run_that_is_gone_by_now_is_not_attached_to(tmp_path, monkeypatch, key):
    monkeypatch.setattr("acceltui.tui.screens.runs.LOOK_EVERY", 1000.0)
    make(tmp_path, "goes", minutes=1)
    async with listed(make(tmp_path, "stays")) as (app, pilot):
        await pilot.press("down")
        shutil.rmtree(tmp_path / "goes")
        await pilot.press(key)
        await until(pilot, lambda: shows(app, "goes is gone"))
        assert app.screen is app.runs
