"""Opens the list of runs in Textual's headless terminal, and reads it."""

import os
import time
from contextlib import asynccontextmanager

from fake_run import make_run
from test_dashboard import screen_text, until
from textual.events import Key

from acceltui.tui.app import AccelApp
from acceltui.tui.glyphs import BRAILLE

MARK = "\u203a "
"""The cursor."""
GONE = 2**22 + 1
"""A pid that no process has."""


def make(root, name, *, minutes=0, **changes):
    """A small run that was made some minutes ago."""
    run = make_run(root, rows=30, name=name, **changes)
    made = time.time() - 60 * minutes - 5
    os.utime(run.folder.lock, (made, made))
    return run


@asynccontextmanager
async def listed(run, size=(120, 40), glyphs=BRAILLE, root=None):
    """The list over the dashboard of `run`."""
    app = AccelApp(run.folder, glyphs, root)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.snapshot is not None)
        await pilot.press("R")
        await until(pilot, lambda: app.screen is app.runs and not app.runs.list.waiting)
        await pilot.pause(0.2)
        yield app, pilot


def at_once(app, *keys):
    """Press keys as a slow line delivers them: all in one go."""
    for key in keys:
        app.post_message(Key(key, {"slash": "/", "enter": "\r"}.get(key, key)))


def names(app):
    """The runs on the screen, in order."""
    lines = [line[2:] for line in screen_text(app)[2:]]
    return [line.split()[1 if line.startswith(MARK) else 0] for line in lines if "●" in line or " * " in line]


def line_of(app, name):
    return next(line for line in screen_text(app)[2:] if name in line)


def under_cursor(app):
    """The name in the line that the cursor marks."""
    (line,) = [line for line in screen_text(app) if line.startswith("│" + MARK)]
    return line.split()[1]
