"""The lines above the list of runs: one for each sweep that is not over."""

import json
import os
import time

import pytest
from listing import GONE, listed, make, names
from test_dashboard import screen_text, shows, until

from acceltui.runs.liveness import own_start
from acceltui.runs.status import this_host
from acceltui.tui.glyphs import ASCII
from acceltui.tui.widgets.sweeps import MOST_LINES


def sweep(root, name, jobs, *, state="running", pid=None, settled=None):
    """A sweep's folder as its coordinator, this process by default, would have it; a job a run name."""
    folder = root / f"{name}.sweep"
    (folder / "recipes").mkdir(parents=True, exist_ok=True)
    manifest = {
        "version": 1,
        "name": name,
        "command": "accel sweep",
        "created": time.time(),
        "recipe": "r",
        "recipe_file": "/r",
        "axes": [],
        "seeds": [],
        "workers": 2,
        "threads": 1,
        "results": "/results",
        "jobs": [{"id": f"id-{run}", "cell": [], "seed": 1, "run": run} for run in jobs],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    say(folder, state=state, pid=pid, settled=settled)
    return folder


def say(folder, *, state="running", pid=None, settled=None):
    told = {
        "state": state,
        "pid": pid or os.getpid(),
        "pid_started": own_start(),
        "host": this_host(),
        "settled": {f"id-{run}": {"state": what, "reason": ""} for run, what in (settled or {}).items()},
    }
    (folder / "coordinator.json").write_text(json.dumps(told))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_line_counts_the_jobs_of_a_sweep_that_is_not_over(tmp_path, size):
    run = make(tmp_path, "a-runs")
    make(tmp_path, "a-fails", minutes=1, state="FAILED", pid=GONE)
    make(tmp_path, "a-ends", minutes=2, state="FINISHED", pid=GONE)
    make(tmp_path, "a-dies", minutes=3, pid=GONE)
    make(tmp_path, "other", minutes=4)
    jobs = ["a-runs", "a-fails", "a-ends", "a-dies", "a-not-yet", "a-result"]
    folder = sweep(tmp_path, "compare", jobs, settled={"a-result": "finished", "a-fails": "failed"})
    sweep(tmp_path, "done", ["d"], state="over", settled={"d": "finished"})
    sweep(tmp_path, "ended", ["e"], state="stopped")
    async with listed(run, size) as (app, pilot):
        first, frame = screen_text(app)[:2]
        assert first.rstrip() == " sweep compare  2 finished  1 running  2 waiting  1 failed"
        assert "Runs" in frame and "5, 2 running" in frame
        assert names(app) == ["a-runs", "a-fails", "a-ends", "a-dies", "other"]
        run.beat(state="FINISHED", pid=GONE)
        await until(pilot, lambda: "3 finished  0 running" in screen_text(app)[0])
        say(folder, state="stopping")
        await until(pilot, lambda: screen_text(app)[0].rstrip().endswith("failed  stopping"))
        say(folder, state="over")
        await until(pilot, lambda: "Runs" in screen_text(app)[0])
        assert not shows(app, "sweep")


async def test_a_sweep_that_lost_its_coordinator_says_so(tmp_path):
    run = make(tmp_path, "one")
    sweep(tmp_path, "lost", ["one", "two"], pid=GONE)
    async with listed(run, glyphs=ASCII) as (app, _):
        line = screen_text(app)[0]
        assert "0 finished  1 running  1 waiting  0 failed  its coordinator is gone" in line
        assert line.isascii()


async def test_many_sweeps_leave_room_for_the_runs(tmp_path):
    run = make(tmp_path, "one")
    for number in range(9):
        sweep(tmp_path, f"sweep-{number}", ["x"])
    async with listed(run, (80, 24)) as (app, _):
        lines = screen_text(app)
        assert sum("waiting" in line for line in lines) == MOST_LINES
        assert "Runs" in lines[MOST_LINES] and names(app) == ["one"]


async def test_what_is_no_sweep_is_left_out(tmp_path):
    run = make(tmp_path, "one")
    broken = sweep(tmp_path, "broken", ["x"])
    (broken / "manifest.json").write_text('{"version": 1, "jobs": [{"run": "../../x"}]}')
    (tmp_path / "empty.sweep").mkdir()
    (tmp_path / "UPPER.sweep").mkdir()
    (tmp_path / "file.sweep").write_text("")
    sweep(tmp_path, "good", ["one"])
    async with listed(run) as (app, _):
        assert screen_text(app)[0].startswith(" sweep good  0 finished  1 running")
        assert "Runs" in screen_text(app)[1] and shows(app, "1, 1 running")
