"""Selected runs beside each other."""

import math
import shutil
from contextlib import asynccontextmanager

import numpy as np
import pytest
from listing import GONE, listed, make
from test_dashboard import screen_text, shows, until

from acceltui.runs import jsonl, wording
from acceltui.runs.metrics import MetricsWriter
from acceltui.tui.comparison import ACCELERATOR, RETURN, TRANSFORMER, Comparing, Measured, Overlay, curve_name
from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.screens.compare import Compare
from acceltui.tui.screens.help import Help
from acceltui.tui.series import CLOCK


def variant(root, name, minutes=0, *, replacing=(), **options):
    """A run whose recipe has other words in it."""
    run = make(root, name, minutes=minutes, **options)
    text = run.folder.resolved.read_text()
    for before, after in replacing:
        assert before in text
        text = text.replace(before, after)
    run.folder.resolved.write_text(text)
    return run


@asynccontextmanager
async def compared(run, count, size=(120, 40), glyphs=BRAILLE):
    """The comparison of the first runs of the list."""
    async with listed(run, size, glyphs) as (app, pilot):
        await pilot.press("home", *["space", "down"] * count, "c")
        await until(pilot, lambda: isinstance(app.screen, Compare) and shows(app, "state"))
        await until(pilot, lambda: not shows(app, "reading"))
        yield app, pilot


def row(app, name):
    """The cells of a line of the table."""
    (line,) = [line for line in screen_text(app) if line[2:].startswith(f"{name}  ")]
    return line[2 + len(name) : -1].split()


def plot_of(app):
    """What is drawn above the table."""
    lines = screen_text(app)
    return "\n".join(lines[1 : next(index for index, line in enumerate(lines) if line[2:].startswith(" Runs"))])


async def test_curves_figures_and_what_differs(tmp_path):
    ends = [("hidden: 64", "hidden: 128"), ("seed: 1", "seed: 4")]
    other = variant(tmp_path, "other", 5, state="FINISHED", at=0.9, replacing=ends)
    run = variant(tmp_path, "mine")
    run.metrics.append(145_000, "online", {TRANSFORMER: -3000.0})
    best = other.latest[TRANSFORMER]
    async with compared(run, 2) as (app, pilot):
        assert shows(app, "Return over steps") and shows(app, f"● mine -3,000   ◆ other {best:,.0f}")
        assert "●" in plot_of(app) and "◆" in plot_of(app)
        assert row(app, "state") == ["RUNNING", "FINISHED"]
        assert row(app, "step") == ["105,000", "135,000"]
        assert row(app, "last return") == ["-3,000", f"{best:,.0f}"]
        assert row(app, "best return") == [f"{run.latest[TRANSFORMER]:,.0f}", f"{best:,.0f}"]
        assert row(app, "switch at step") == ["50,000", "50,000"]
        assert row(app, "environment steps") == ["122,500", "157,500"]
        assert row(app, "seed") == ["1", "4"]
        assert row(app, "accelerator.hidden") == ["64", "128"]
        assert not shows(app, "env.id") and not shows(app, "online.") and not shows(app, "return of")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.runs and shows(app, "2 selected"))


async def test_it_is_live(tmp_path):
    other = make(tmp_path, "other", minutes=5)
    run = make(tmp_path, "mine")
    async with compared(run, 2) as (app, pilot):
        run.metrics.append(149_000, "online", {TRANSFORMER: 9876.0})
        run.beat("FINISHED", step=150_000)
        await until(pilot, lambda: "9,876" in row(app, "last return") and row(app, "state") == ["FINISHED", "RUNNING"])
        assert shows(app, "● mine 9,876") and row(app, "step")[0] == "150,000"
        shutil.rmtree(other.folder.path)
        await until(pilot, lambda: row(app, "state") == ["FINISHED", "GONE"])


async def test_places_and_markers_are_those_of_the_list(tmp_path):
    for number in range(3):
        make(tmp_path, f"run{number}", minutes=number)
    async with listed(make(tmp_path, "last", minutes=9)) as (app, pilot):
        await pilot.press("home", "space", "down", "space", "down", "space", "home", "space", "c")
        await until(pilot, lambda: shows(app, "◆ run1") and shows(app, "■ run2"))
        assert not shows(app, "run0") and "●" not in plot_of(app)


async def test_with_none_selected_it_is_the_run_under_the_cursor_and_a_hint(tmp_path):
    make(tmp_path, "other", minutes=5)
    async with listed(make(tmp_path, "mine")) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: shows(app, "● mine"))
        assert "space in the list selects runs" in screen_text(app)[-1]
        await until(pilot, lambda: not shows(app, "reading recipes"))
        assert not shows(app, "other") and not shows(app, "do not differ")


async def test_eighty_columns_scroll_sideways_and_down(tmp_path):
    for number in range(7):
        make(tmp_path, f"run{number}", minutes=number + 1)
    run = variant(tmp_path, "first", replacing=[("hidden: 64", "hidden: 7")])
    async with compared(run, 8, (80, 24)) as (app, pilot):
        assert shows(app, "runs 1-3 of 8") and shows(app, "first") and not shows(app, "run2")
        await pilot.press("right", "right")
        await until(pilot, lambda: shows(app, "runs 3-5 of 8") and shows(app, "run3") and not shows(app, "run0"))
        assert not shows(app, "accelerator.hidden")
        await pilot.press("end")
        await until(pilot, lambda: row(app, "accelerator.hidden") == ["64", "64", "64"])
        await pilot.press("left", "left", "left")
        await until(pilot, lambda: row(app, "accelerator.hidden") == ["7", "64", "64"])
        await pilot.press(*["right"] * 20, "home")
        await until(pilot, lambda: shows(app, "runs 6-8 of 8") and row(app, "state") == ["RUNNING"] * 3)


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (60, 15), (30, 10), (20, 6), (5, 2)])
@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_every_size_shows_something(tmp_path, size, glyphs):
    make(tmp_path, "other", minutes=1)
    async with listed(make(tmp_path, "mine"), size, glyphs) as (app, pilot):
        await pilot.press("space", "down", "space", "c", "right", "down", "up", "t")
        await pilot.pause(0.5)
        lines = screen_text(app)
        assert isinstance(app.screen, Compare)
        assert len(lines) == size[1] and all(len(line) == size[0] for line in lines)
        assert size[1] < 15 or shows(app, "RUNNING")
        assert glyphs is BRAILLE or all(line.isascii() for line in lines)


async def test_runs_of_one_title_are_told_apart_and_recipes_that_do_not_differ_say_so(tmp_path):
    make(tmp_path, "hopper-s1-20260102-030405-abcd", minutes=1)
    async with compared(make(tmp_path, "hopper-s1-20260102-030405-ef01"), 2) as (app, _):
        assert shows(app, "● hopper s1 ef01") and shows(app, "◆ hopper s1 abcd")
        assert shows(app, "The recipes do not differ.")


async def test_text_from_the_folders_is_shown_as_it_is(tmp_path):
    hostile = variant(tmp_path, "hostile", state="[b]x\x1b[2J", replacing=[("HalfCheetah-v5", '"[red]x"')])
    unread = make(tmp_path, "unread", minutes=1)
    unread.folder.resolved.write_text("version: [")
    unread.folder.metrics.write_text('{"step": 1, "attempt": 1, "time": "x", "transformer/return": [1]}\n')
    unread.folder.status.write_text("[]")
    make(tmp_path, "whole", minutes=2)
    async with compared(hostile, 3) as (app, _):
        assert row(app, "state") == ["[b]x", "UNREADABLE", "RUNNING"]
        assert row(app, "env.id") == ["[red]x", "?", "HalfCheetah-v5"]
        assert row(app, "last return")[1] == "-" and row(app, "time of training")[1] == "-"
        assert not any(chr(code) in line for line in screen_text(app) for code in (0x1B, 0x202E))


async def test_the_accelerators_return_where_that_is_all_there_is(tmp_path):
    run = make(tmp_path, "mine", at=0.0, pid=GONE)
    run.metrics.append(5000, "accelerate", {ACCELERATOR: 77.0})
    other = make(tmp_path, "other", minutes=1)
    async with compared(other, 2) as (app, _):
        assert row(app, "return of") == ["accelerator", "transformer"]
        assert row(app, "last return")[0] == row(app, "best return")[0] == "77.0"


def attempts(folder):
    """Two hours of training in two attempts, a day apart; the second goes back from step 40 to 30."""
    metrics = MetricsWriter(folder.metrics, 1)
    for step in range(0, 50, 10):
        metrics.append(step, "online", {TRANSFORMER: step}, time=1e9 + 120 * step)
    metrics = MetricsWriter(folder.metrics, 2)
    metrics.rewind(30)
    for step in range(40, 70, 10):
        metrics.append(step, "online", {TRANSFORMER: 2 * step}, time=1e9 + 86_400 + 120 * step)


def test_time_is_that_of_training(tmp_path):
    run = make(tmp_path, "one", at=0.0, state="FINISHED")
    attempts(run.folder)
    comparison = Comparing({3: run.folder}).look()
    x, y = Overlay(comparison, seconds=True).view(curve_name(3, RETURN))
    assert list(x / 60) == [0, 20, 40, 60, 60, 80, 100] and list(y) == [0, 10, 20, 30, 80, 100, 120]
    assert list(Overlay(comparison, seconds=False).view(curve_name(3, RETURN))[0]) == [0, 10, 20, 30, 40, 50, 60]
    assert comparison.figures["time of training"] == ["1h40m"]


def test_a_rewind_that_comes_later_takes_time_back(tmp_path):
    run = make(tmp_path, "one", at=0.0)
    returns = Measured(run.folder)
    first = MetricsWriter(run.folder.metrics, 1)
    for step in (0, 10, 20):
        first.append(step, "online", {TRANSFORMER: 1.0}, time=1e9 + step)
    returns.poll()
    version = returns.history.version
    second = MetricsWriter(run.folder.metrics, 2)
    second.rewind(10)
    second.append(20, "online", {TRANSFORMER: 2.0}, time=2e9)
    second.append(30, "online", {TRANSFORMER: 2.0}, time=2e9 + 7)
    second.append(40, "online", {TRANSFORMER: math.nan}, time=2e9 - 50)
    returns.poll()
    np.testing.assert_array_equal(returns.history.view(CLOCK)[1], [0, 10, 10, 17, 17])
    assert returns.history.version > version, "what was drawn starts over"


def plot_title(app):
    return screen_text(app)[0][2:-2]


async def test_v_goes_through_what_the_runs_have_measured(tmp_path):
    other = make(tmp_path, "other", minutes=5)
    run = make(tmp_path, "mine")
    for one, actor, value in ((run, "transformer", 0.25), (other, "accelerator", 0.75)):
        one.metrics.append(140_000, "online", {f"{actor}/success": value, "speed/steps": 100 * value})
    alone = make(tmp_path, "alone", minutes=6, at=0.0)
    alone.metrics.append(130_000, "online", {"value/mean": 7.5})
    async with compared(run, 3) as (app, pilot):
        assert "Return over steps" in plot_title(app)
        await pilot.press("v")
        assert "Success over steps" in plot_title(app)
        assert "● mine 0.250   ◆ other 0.750   ■ alone -" in plot_title(app)
        await pilot.press("v")
        assert "Critic loss over steps" in plot_title(app)
        assert f"● mine {value_of(run, 'loss/critic')}   ◆ other {value_of(other, 'loss/critic')}" in plot_title(app)
        await pilot.press("y")
        assert "log" in plot_title(app)
        await pilot.press("v", "v")
        assert "Cloning loss over steps" in plot_title(app) and "log" in plot_title(app)
        await pilot.press("v", "v", "v")
        assert "Value over steps" in plot_title(app) and "■ alone 7.500" in plot_title(app)
        assert "■" in plot_of(app).partition("\n")[2], "it has a curve"
        await pilot.press("v")
        assert "Steps a second over steps" in plot_title(app) and "● mine 25.0   ◆ other 75.0" in plot_title(app)
        assert "■" not in plot_of(app).partition("\n")[2]
        await pilot.press("t", "i", *["left"] * 30)
        assert "Steps a second over the time of training" in plot_title(app)
        assert "mine 25.0" not in plot_title(app), "it reads at the crosshair"
        await pilot.press("escape", "v")
        assert "Return over the time of training" in plot_title(app)


def value_of(run, metric):
    """Of the newest row, as it is shown."""
    return wording.value(run.latest[metric])


async def test_what_no_run_has_measured_is_skipped(tmp_path):
    run = make(tmp_path, "mine", at=0.0)
    run.metrics.append(100, "online", {TRANSFORMER: 1.0})
    run.metrics.append(200, "online", {"value/mean": 2.0})
    async with compared(run, 1) as (app, pilot):
        await pilot.press("v")
        assert "Value over steps" in plot_title(app)
        await pilot.press("v")
        assert "Return over steps" in plot_title(app)


async def test_t_toggles_steps_and_time(tmp_path):
    run = make(tmp_path, "one", at=0.0, state="FINISHED")
    attempts(run.folder)
    async with compared(run, 1) as (app, pilot):
        assert shows(app, "Return over steps")
        await pilot.press("t")
        await until(pilot, lambda: shows(app, "Return over the time of training"))
        (foot,) = [line for line in screen_text(app) if line.startswith("╰") and "─20m─" in line]
        assert "─80m─" in foot
        await pilot.press("t")
        await until(pilot, lambda: shows(app, "Return over steps"))


async def test_long_histories_come_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "AT_ONCE", 1 << 12)
    run = make(tmp_path, "long", at=1.0)
    size = run.folder.metrics.stat().st_size
    comparing = Comparing({0: run.folder})
    first = comparing.look()
    assert first.read == pytest.approx((1 << 12) / size, rel=0.01) and first.differences is None
    async with listed(run) as (app, pilot):
        await pilot.press("space", "c")
        await until(pilot, lambda: isinstance(app.screen, Compare))
        app.screen._thread.stop()
        reading = f"reading history {int(100 * first.read)}%"
        await until(pilot, lambda: (app.screen.plot.compare(first, app.screen.look), shows(app, reading))[1])
    second = comparing.look()
    assert second.read == 1 and second.measured[0].history.step == 150_000
