"""Runs whose metrics are larger than what one would read at once: shown in time, within bounds, and right."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from fake_run import make_run
from long_history import PEAK, PEAK_AT, write_history
from test_dashboard import dashboard, screen_text, shows, until

from acceltui.runs.metrics import MetricsReader
from acceltui.runs.wording import value
from acceltui.tui import series
from acceltui.tui.screens.help import Help
from acceltui.tui.series import MOST_POINTS, MOST_SERIES, History
from acceltui.tui.watch import Watch

READ = Path(__file__).with_name("long_history.py")
SIZES = [144 << 20, pytest.param(1 << 30, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]


@pytest.mark.parametrize("size", SIZES)
def test_a_long_history_takes_little_memory_and_keeps_what_matters(tmp_path, size):
    run = make_run(tmp_path)
    last = write_history(run.folder.metrics, size)
    call = [sys.executable, str(READ), str(run.folder.path)]
    told = json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)
    assert told["rows"] == last
    assert told["last"] == [last, pytest.approx(1000 / last)]
    assert told["highest"] == [PEAK_AT, PEAK]
    assert told["points"] <= MOST_POINTS
    assert told["shares"][0] < 0.1, "the first look must not wait for the whole history"
    assert told["shares"] == sorted(set(told["shares"])) and told["shares"][-1] == 1
    before, first, all_of_it = told["memory"]
    assert first - before < 40 << 20
    assert all_of_it < 200 << 20


@pytest.mark.parametrize("size", SIZES)
async def test_keys_are_answered_while_a_long_history_comes_in(tmp_path, monkeypatch, size):
    run = make_run(tmp_path)
    last = write_history(run.folder.metrics, size)
    answered = threading.Event()
    poll = MetricsReader.poll

    def poll_and_wait(reader):
        """As it is, but the last rows come after the keys were answered, however quick the disk."""
        rows = poll(reader)
        assert reader.share < 1 or answered.wait(60), "no key was answered while the history came in"
        return rows

    monkeypatch.setattr(MetricsReader, "poll", poll_and_wait)
    async with dashboard(run) as (app, pilot):
        assert "reading history" in screen_text(app)[0]
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and shows(app, "Key bindings"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.dashboard)
        assert app.snapshot.read < 1
        answered.set()
        while app.snapshot.read < 1:
            await pilot.pause(0.5)
        await until(pilot, lambda: shows(app, f"critic {value(1000 / last)}"))
        assert "reading history" not in screen_text(app)[0]
        assert app.snapshot.history.step == last


async def test_eighty_columns_have_room_for_how_much_was_read(tmp_path):
    run = make_run(tmp_path, at=0.2)
    write_history(run.folder.metrics, 48 << 20)
    async with dashboard(run, (80, 24)) as (app, _):
        assert "reading history" in screen_text(app)[0] and "RUNNING" in screen_text(app)[0]


def test_a_long_list_of_events_is_read_from_its_end(tmp_path):
    run = make_run(tmp_path)
    with run.folder.events.open("a") as file:
        for number in range(100_000):
            file.write(f'{{"time":1.8e9,"step":{number},"kind":"note","by":"engine","message":"number {number}"}}\n')
    watch = Watch(run.folder)
    assert [event.step for event in watch.poll().events] == list(range(99_500, 100_000))
    run.events.append("note", "one more", step=7)
    assert watch.poll().events[-1].step == 7


def test_a_resume_takes_back_what_was_thinned_out(monkeypatch):
    monkeypatch.setattr(series, "MOST_POINTS", 1000)
    history = History()
    history.extend({"step": step, "attempt": 1, "loss": float(step % 7)} for step in range(10_000))
    version = history.version
    assert version > 0
    history.extend([{"rewind_to": 5000, "attempt": 2}, {"step": 5001, "attempt": 2, "loss": 9.0}])
    steps, values = history.view("loss")
    assert len(steps) < 1000 and (steps[-1], values[-1]) == (5001, 9.0)
    assert 4900 < steps[-2] <= 5000
    assert history.version == version + 1


def test_thinning_keeps_all_of_the_past_alike(monkeypatch):
    monkeypatch.setattr(series, "MOST_POINTS", 1000)
    history = History()
    for begin in range(0, 100_000, 100):  # in parts, as a file is read
        steps = range(begin, begin + 100)
        history.extend({"step": step, "loss": None if step % 97 == 0 else step % 89} for step in steps)
    steps, values = history.view("loss")
    assert len(steps) <= 1000
    assert (np.diff(steps) > 0).all()
    assert np.diff(steps).max() < 100_000 / 100, "no part of the past is left out"
    for begin in range(0, 100_000, 10_000):
        part = values[(steps >= begin) & (steps < begin + 10_000)]
        assert (np.nanmin(part), np.nanmax(part)) == (0, 88)


def test_a_drawing_that_was_made_before_thinning_is_not_changed(monkeypatch):
    monkeypatch.setattr(series, "MOST_POINTS", 1000)
    history = History()
    history.extend({"step": step, "attempt": 1, "loss": 1.0} for step in range(1000))
    steps, _ = history.view("loss")
    history.extend({"step": step, "attempt": 1, "loss": 2.0} for step in range(1000, 3000))
    np.testing.assert_array_equal(steps, np.arange(1000))


def test_a_file_that_names_a_metric_a_row_does_not_fill_the_memory():
    history = History()
    history.extend({"step": step, "attempt": 1, f"name {step}": 1.0, "loss/critic": 2.0} for step in range(1000))
    names = [f"name {step}" for step in range(1000)]
    assert sum(len(history.view(name)[0]) for name in names) == MOST_SERIES - 1
    assert len(history.view("loss/critic")[0]) == 1000
