"""Every screen as it was last found good, in files that a person can read; after a change that is wanted:

pytest tests/tui/test_snapshots.py --snapshot-update
"""

import os
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_run import FakeRun
from listing import GONE
from screen_file import ScreenFile, drawn
from test_dashboard import screen_text, shows, until
from test_runs_fork import save
from textual.widgets import Input

from acceltui.runs.notes import Notes, write_notes
from acceltui.runs.paths import create_run_folder
from acceltui.runs.settings import Settings
from acceltui.tui.app import AccelApp
from acceltui.tui.glyphs import ASCII, BLOCK, BRAILLE

LARGE, SMALL = (120, 40), (80, 24)
NOW = 1_772_721_000.0
"""2026-03-05 14:30:00, UTC."""
ROWS, ROW_TAKES = 300, 18.0
"""Of a whole run, and the seconds of training that each takes."""
WARNING = "the critic's loss grew 12-fold within 20,000 steps: lower algorithm.critic_lr, or clip its gradient"


class Clock:
    """Stands still, but where a test moves it."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for place in ("time.time", "acceltui.runs.metrics.now", "acceltui.runs.events.now"):
        monkeypatch.setattr(place, clock)
    monkeypatch.setattr("acceltui.tui.app.INTERVAL", 0.05)
    for name in ("NO_COLOR", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield clock
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def looks_as_before(snapshot):
    """Fails with all that differs, of which an assertion would show some lines."""
    files = snapshot.use_extension(ScreenFile)

    def look(app):
        if files != drawn(app):
            pytest.fail("\n".join(files.get_assert_diff()), pytrace=False)

    return look


def train(clock, root, at, *, name="halfcheetah_pomdp-s1-20260305-130000-3f2a", seed=0, ago=0.0, health=(), **status):
    """A run that did the share `at` of its budget, and ended or was last heard of `ago` seconds ago."""
    clock.now = made = NOW - ago - ROW_TAKES * at * ROWS
    run = FakeRun(create_run_folder(root, "halfcheetah_pomdp", 1, name=name), ROWS, seed=seed, health=health)
    os.utime(run.folder.lock, (made, made))
    while run.row < at * ROWS:
        clock.now += ROW_TAKES
        run.advance()
    run.folder.log.write_text("".join(f"step {step}: all well\n" for step in range(0, run.step, 1000)))
    run.beat(**status)
    clock.now = NOW
    return run


def learning(clock, root):
    run = train(clock, root, 0.2, health=(WARNING, "a second one"))
    run.events.append("warning", WARNING, step=run.step)
    return run


def online(clock, root):
    return train(clock, root, 0.7)


def crashed(clock, root):
    return train(clock, root, 0.7, ago=600, pid=GONE)


def logged(clock, root):
    run = train(clock, root, 0.2)
    lines = [f"step {step}: all well" for step in range(0, 40_000, 500)]
    lines[40], lines[75] = "UserWarning: the disk is slow", "ValueError: no such thing"
    run.folder.log.write_text("\n".join(lines) + "\n")
    return run


def many(clock, root):
    """Runs in all the states that differ to the eye."""

    def other(name, at, seed, ago, *, tags=(), note="", replacing=("seed: 1", "seed: 2"), **status):
        run = train(clock, root, at, name=name, seed=seed, ago=ago, **status)
        run.folder.resolved.write_text(run.folder.resolved.read_text().replace(*replacing))
        if tags or note:
            write_notes(run.folder, Notes(tags, note))

    error = {"kind": "environment", "message": "HalfCheetah-v5 gave an observation with a NaN"}
    other("halfcheetah_pomdp-s2-20260305-120000-88b1", 1.0, 2, 1800, state="FINISHED", tags=("good", "paper"))
    wide = {"replacing": ("hidden: 64", "hidden: 128"), "note": "wider, and no better"}
    other("wide", 0.6, 3, 7200, state="STOPPED", **wide)
    other("halfcheetah_pomdp-s3-20260304-090000-0c5d", 0.3, 4, 86_400, state="FAILED", error=error)
    other("halfcheetah_pomdp-s4-20260303-090000-5aa0", 0.45, 5, 180_000, pid=GONE)
    other("halfcheetah_pomdp-s5-20260305-133000-71ce", 0.15, 6, 40, tags=("good",), note="on the slow node")
    other("a-name-that-someone-chose-and-that-goes-on-for-a-while", 0.1, 7, 0, state="PAUSED")
    run = train(clock, root, 0.7)
    for step, why in ((25_000, "periodic"), (50_000, "switch"), (75_000, "periodic"), (100_000, "best")):
        save(run, step, why=why)
    return run


@dataclass(frozen=True)
class Scene:
    """A screen: the run that is watched, and keys that lead there, each time with what is then awaited."""

    run: Callable[[Clock, Path], FakeRun]
    steps: tuple[tuple[tuple[str, ...], str], ...] = ()


RUNS = (("R",), "wide")
SELECTED = (("home", "space", "down", "down", "space", "down", "down", "space"), "3 selected")
SCENES = {
    "accelerate": Scene(learning),
    "online": Scene(online),
    "crashed": Scene(crashed),
    "zoom": Scene(online, ((("1", "1", "i", *["left"] * 6, "m", "y"), "1 Return"),)),
    "events": Scene(learning, ((("4", "4"), "4 Events"),)),
    "help": Scene(online, ((("question_mark",), "Key bindings"),)),
    "switch": Scene(learning, ((("s",), "cannot be undone"),)),
    "runs": Scene(many, (RUNS, SELECTED)),
    "filter": Scene(many, (RUNS, (("slash", *"good"), " of 7"))),
    "compare": Scene(many, (RUNS, SELECTED, (("c",), "environment steps"))),
    "fork": Scene(many, (RUNS, (("f",), "100,000"), (("down", *"seed=7"), "seed=7"))),
    "log": Scene(logged, ((("l",), "2 warnings and errors"), (("slash", *"well", "enter"), "78 found"))),
    "recipe": Scene(online, ((("r",), "values are not the default"),)),
    "palette": Scene(online, ((("ctrl+p", *"log"), "engine's log"),)),
}
LOOKS = {
    "120x40-braille": (LARGE, BRAILLE),
    "120x40-ascii": (LARGE, ASCII),
    "120x40-block": (LARGE, BLOCK),
    "80x24-braille": (SMALL, BRAILLE),
    "80x24-ascii": (SMALL, ASCII),
}
WITH_PLOTS = ("accelerate", "online", "zoom", "compare")
DRAWN = [(scene, look) for scene in SCENES for look in LOOKS if scene in WITH_PLOTS or "block" not in look]


@asynccontextmanager
async def opened(run, scene, look, **options):
    """The application on that screen, when nothing moves any more."""
    size, glyphs = LOOKS[look]
    app = AccelApp(run.folder, glyphs, **options)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.snapshot and app.snapshot.online_replay and app.snapshot.read == 1)
        await until(pilot, lambda: "-waiting" not in app.dashboard.classes)
        for keys, awaited in SCENES[scene].steps:
            await pilot.press(*keys)
            await until(pilot, lambda awaited=awaited: shows(app, awaited))
        await until(pilot, lambda: not shows(app, "reading") and not shows(app, "looking"))
        for field in app.screen.query(Input):
            field.cursor_blink = False
        before = ""
        while before != (before := drawn(app)):
            await pilot.pause(0.05)
        yield app


@pytest.mark.parametrize(("scene", "look"), DRAWN, ids=lambda name: name)
async def test_screen(clock, tmp_path, looks_as_before, scene, look):
    async with opened(SCENES[scene].run(clock, tmp_path), scene, look) as app:
        looks_as_before(app)
        if "ascii" in look:
            assert "".join(screen_text(app)).isascii()


@pytest.mark.parametrize("scene", ["accelerate", "runs", "compare", "help", "log", "switch", "palette"])
async def test_without_colour(clock, tmp_path, monkeypatch, looks_as_before, scene):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(SCENES[scene].run(clock, tmp_path), scene, "120x40-braille") as app:
        looks_as_before(app)
        styles = [cell.style for strip in app.screen._compositor.render_strips() for cell in strip if cell.style]
        colours = [colour for style in styles for colour in (style.color, style.bgcolor)]
        assert all(colour is None or colour.is_default for colour in colours)


async def test_on_a_light_background(clock, tmp_path, looks_as_before):
    settings = Settings(theme="light")
    async with opened(learning(clock, tmp_path), "accelerate", "120x40-braille", settings=settings) as app:
        looks_as_before(app)


async def test_where_nothing_can_be_asked_for(clock, tmp_path, looks_as_before):
    async with opened(learning(clock, tmp_path), "accelerate", "120x40-braille", read_only=True) as app:
        looks_as_before(app)
