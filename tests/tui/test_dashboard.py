"""The dashboard in Textual's headless terminal, on folders that `fake_run` wrote."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from fake_run import make_run

from acceltui.runs.commands import CommandInbox
from acceltui.tui.app import AccelApp, farewell
from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.messages import RunChosen
from acceltui.tui.palette import BLUE
from acceltui.tui.screens.confirm import Confirm
from acceltui.tui.screens.help import Help
from acceltui.tui.screens.log import LogScreen

SIZES = [(120, 40), (80, 24)]


def screen_text(app):
    """What is on the screen, line by line."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


async def until(pilot, condition):
    for _ in range(100):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError("\n".join(screen_text(pilot.app)))


@asynccontextmanager
async def dashboard(run, size=(120, 40), glyphs=BRAILLE):
    app = AccelApp(run.folder, glyphs)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.snapshot is not None and "-waiting" not in app.dashboard.classes)
        await pilot.pause(0.2)
        yield app, pilot


def shows(app, text):
    return any(text in line for line in screen_text(app))


def commands_in(run):
    return [json.loads(path.read_text()) for path in run.folder.commands.glob("*.json")]


@pytest.mark.parametrize("size", [(120, 40), (200, 60), (96, 30), (80, 24), (60, 15), (45, 10), (20, 4), (5, 2)])
@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_every_size_shows_something(tmp_path, size, glyphs):
    async with dashboard(make_run(tmp_path), size, glyphs) as (app, _):
        lines = screen_text(app)
        assert len(lines) == size[1] and all(len(line) == size[0] for line in lines)
        assert size[0] < 40 or "RUNNING" in lines[0]
        if glyphs is ASCII:
            assert all(line.isascii() for line in lines)


async def test_the_large_layout_has_all_panels(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, _):
        for title in ("1 Return", "2 Losses", "3 Cloning loss", "Buffers", "Speed", "Machine", "4 Events"):
            assert shows(app, title), title
        assert shows(app, "stage online from step 52,500") and shows(app, "switch")
        assert shows(app, "halfcheetah_pomdp s1") and shows(app, "mean±std, n=5")
        assert shows(app, "20k/20k") and shows(app, "14% of steps")


async def test_the_switch_rule_stands_beside_the_title_until_the_switch(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.2)) as (app, _):
        assert shows(app, "plateau 3/5") and shows(app, "stage 1/2 accelerate")


def frame_colour(app, title):
    """Of the panel with that title at the left edge."""
    strips = app.screen._compositor.render_strips()
    strip = next(strip for strip in strips if title in strip.text[:12])
    return next(iter(strip)).style.color.name


async def test_a_digit_frames_its_panel_though_nothing_new_comes(tmp_path):
    async with dashboard(make_run(tmp_path, at=1, state="FINISHED")) as (app, pilot):
        plain = frame_colour(app, "Losses")
        await pilot.press("2")
        await pilot.pause()
        assert frame_colour(app, "Losses") == BLUE
        await pilot.press("1")
        await pilot.pause()
        assert frame_colour(app, "Return") == BLUE and frame_colour(app, "Losses") == plain != BLUE


async def test_the_small_layout_has_one_plot_and_digits_choose_it(tmp_path):
    async with dashboard(make_run(tmp_path), (80, 24)) as (app, pilot):
        assert shows(app, "1 Return") and not shows(app, "2 Losses")
        for key, title in (("2", "2 Losses"), ("3", "3 Cloning loss"), ("4", "4 Events"), ("tab", "1 Return")):
            await pilot.press(key)
            await pilot.pause()
            titles = [name for name in ("1 Return", "2 Losses", "3 Cloning loss", "4 Events") if shows(app, name)]
            assert titles == [title]


async def test_a_digit_twice_or_z_enlarges_and_escape_goes_back(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.press("2", "2")
        await pilot.pause()
        assert shows(app, "2 Losses") and not shows(app, "1 Return")
        await pilot.press("escape")
        await pilot.pause()
        assert shows(app, "1 Return")
        await pilot.press("3", "z")
        await pilot.pause()
        assert shows(app, "3 Cloning loss") and not shows(app, "1 Return")


async def test_resizing_changes_the_layout(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.resize_terminal(80, 24)
        await pilot.pause(0.2)
        assert shows(app, "1 Return") and not shows(app, "Machine")
        await pilot.resize_terminal(120, 40)
        await pilot.pause(0.2)
        assert shows(app, "Machine") and shows(app, "2 Losses")


@pytest.mark.parametrize("size", SIZES)
async def test_s_then_y_asks_the_engine_to_switch(tmp_path, size):
    run = make_run(tmp_path, at=0.2)
    async with dashboard(run, size) as (app, pilot):
        await until(pilot, lambda: app.snapshot.online_replay)
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        assert shows(app, "30,000") and shows(app, "20,000") and shows(app, "cannot be undone")
        await pilot.press("y")
        await until(pilot, lambda: commands_in(run))
        (command,) = commands_in(run)
        assert (command["kind"], command["expected_stage"]) == ("switch", "accelerate")
        assert "@" in command["by"]
        inbox = CommandInbox(run.folder)
        (taken,) = inbox.poll()
        inbox.ack(taken, "taken", step=30_000)
        await until(pilot, lambda: shows(app, "switch: taken"))
        inbox.ack(taken, "done", step=30_500)
        await until(pilot, lambda: shows(app, "switch: done at step 30,500"))


@pytest.mark.parametrize("keys", [["escape"], ["n"], ["enter"]], ids="-".join)
@pytest.mark.parametrize("question", ["s", "x"])
async def test_anything_but_a_yes_changes_nothing(tmp_path, question, keys):
    run = make_run(tmp_path, at=0.2)
    async with dashboard(run) as (app, pilot):
        await pilot.press(question)
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press(*keys)
        await pilot.pause(0.2)
        assert app.screen is app.dashboard and not commands_in(run)


async def test_moving_to_the_other_button_is_a_deliberate_yes(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (_, pilot):
        await pilot.press("x", "tab", "enter")
        await until(pilot, lambda: commands_in(run))
        assert commands_in(run)[0]["kind"] == "stop"


@pytest.mark.parametrize("key, kind", [("p", "pause"), ("e", "evaluate"), ("c", "checkpoint")])
async def test_keys_send_commands_and_say_when_nobody_takes_them(tmp_path, key, kind):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: shows(app, f"{kind}: not taken within 2 s"))
        assert [command["kind"] for command in commands_in(run)] == [kind]


async def test_a_refusal_is_shown_with_its_reason(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press("e")
        inbox = CommandInbox(run.folder)
        await until(pilot, lambda: commands_in(run))
        (command,) = inbox.poll()
        inbox.ack(command, "refused", "an evaluation is under way")
        await until(pilot, lambda: shows(app, "evaluate: refused, an evaluation is under way"))


async def test_pause_becomes_unpause(tmp_path):
    run = make_run(tmp_path, state="PAUSED")
    async with dashboard(run) as (_, pilot):
        await pilot.press("p")
        await until(pilot, lambda: commands_in(run))
        assert commands_in(run)[0]["kind"] == "unpause"


async def test_a_pause_of_one_run_is_none_of_the_next(tmp_path):
    run, other = make_run(tmp_path / "one"), make_run(tmp_path / "other")
    async with dashboard(run) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: commands_in(run))
        app.post_message(RunChosen(other.folder))
        await until(pilot, lambda: app.dashboard.folder == other.folder and app.dashboard.snapshot is not None)
        await pilot.press("p")
        await until(pilot, lambda: commands_in(other))
        assert commands_in(other)[0]["kind"] == "pause"


@pytest.mark.parametrize("key", ["s", "x", "p", "e", "c"])
async def test_a_dead_run_is_shown_as_crashed_and_gets_no_command(tmp_path, key):
    run = make_run(tmp_path, pid=2**22 + 1, at=0.2)
    async with dashboard(run) as (app, pilot):
        assert "CRASHED" in screen_text(app)[0] and shows(app, "CRASHED at step 30,000")
        await pilot.press(key)
        await until(pilot, lambda: shows(app, "not sent, the run is CRASHED"))
        assert not commands_in(run) and app.screen is app.dashboard


async def test_a_failure_is_shown_with_its_message(tmp_path):
    error = {"kind": "environment", "message": "Gymnasium has no environment 'HalfCheeta-v5'"}
    async with dashboard(make_run(tmp_path, state="FAILED", error=error), (80, 24)) as (app, _):
        assert "FAILED at step" in " ".join(" ".join(screen_text(app)).split())
        assert error["message"] in " ".join(" ".join(screen_text(app)).split())


async def test_no_second_switch(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.7)) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: shows(app, "switch: not sent, the run is in stage online since step 52,500"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help_lists_the_keys_and_escape_closes_it(tmp_path, size, key):
    async with dashboard(make_run(tmp_path), size) as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, Help) and shows(app, "Key bindings")
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_the_log_follows_its_end_until_one_scrolls(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press("l")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen) and shows(app, "step 104000: all well")
        await pilot.press("up")
        with run.folder.log.open("a") as log:
            log.write("\x1b[2Jthe newest [bold]line\n")
        await until(pilot, lambda: shows(app, "2 lines below"))
        await pilot.press("f")
        await until(pilot, lambda: shows(app, "the newest [bold]line"))
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard


@pytest.mark.parametrize("size", SIZES)
async def test_text_from_the_folder_is_shown_as_it_is(tmp_path, size):
    run = make_run(tmp_path, at=0.2, name="x.b-1")
    run.folder.resolved.write_text("[bold red]no recipe")
    run.events.append(
        "wa[b]rn", "[red]not[/] \x1b]0;owned\x07[@click=app.quit]mark[/]up \x1b[31m\u202e$x", step=9, by="[i]me"
    )
    async with dashboard(run, size) as (app, _):
        assert "x.b-1" in screen_text(app)[0]
        assert shows(app, "wa[b]rn") and shows(app, "[red]not[/] [@click=app.quit]mark[/]up $x")
        assert not any(chr(code) in line for line in screen_text(app) for code in (0x1B, 0x07, 0x202E))


async def test_new_rows_reach_the_screen(tmp_path):
    run = make_run(tmp_path, at=0.2)
    async with dashboard(run) as (app, pilot):
        run.metrics.append(run.step + 500, "accelerate", {"accelerator/return": 9876.0, "accelerator/std": 1.0})
        await until(pilot, lambda: shows(app, "accelerator 9,876"))


async def test_a_living_run_is_not_drawn_again_for_nothing(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        drawn = []
        for plot in app.dashboard.query("Plot"):
            plot.show = lambda *arguments: drawn.append(arguments)
        run.beat(progress=app.snapshot.status.progress)
        await pilot.pause(1.2)
        assert not drawn


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_detaching_tells_how_to_come_back(tmp_path, key):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press(key)
        await asyncio.sleep(0.1)
    assert not app.is_running
    assert farewell(run.folder, app.snapshot) == f"The engine goes on (RUNNING): accel attach {run.folder.name}"
