"""What happened while nobody looked, told to who comes back."""

import os
import time

import pytest
from fake_run import make_run
from test_dashboard import dashboard, shows, until

from acceltui.tui.away import Seen, meanwhile
from acceltui.tui.watch import Event


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def looked_at(run, ago):
    """Someone looked then, and not since."""
    Seen(run.folder).note()
    (file,) = (run.folder.path.parent / "state" / "accel" / "seen").iterdir()
    os.utime(file, (time.time() - ago,) * 2)


async def test_who_comes_back_is_told_and_esc_puts_it_away(tmp_path):
    run = make_run(tmp_path)
    looked_at(run, 7200)
    async with dashboard(run) as (app, pilot):
        await until(pilot, lambda: shows(app, "While you were away (2h00m): stage online from step 52,500"))
        await pilot.press("escape")
        await pilot.pause()
        assert not shows(app, "While you were away")


async def test_who_never_looked_or_just_did_is_told_nothing(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, _):
        assert not shows(app, "While you were away")
    time.sleep(0.01)
    async with dashboard(run) as (app, _):
        assert not shows(app, "While you were away")


def test_only_what_one_would_want_to_know_is_told():
    def event(time, kind, message=""):
        return Event(time=time, step=1500, kind=kind, by="engine", message=message)

    events = [event(1, "warning"), event(5, "checkpoint"), event(6, "best", "best return so far: 10")]
    events += [event(7, "warning"), event(8, "warning"), event(9, "best", "best return so far: 12")]
    said = meanwhile(events, since=2, now=62)
    assert said == "While you were away (1m): best return so far: 12 (at 1.5k); 2 warnings."
    assert meanwhile(events, since=10, now=62) == ""


def test_a_home_that_cannot_be_written_costs_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    seen = Seen(make_run(tmp_path).folder)
    seen.note()
    assert seen.last() is None
