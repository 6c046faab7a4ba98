import json
import math

import numpy as np
from fake_run import make_run

from acceltui.runs.progress import read_progress
from acceltui.tui.series import History
from acceltui.tui.watch import Watch


def test_a_resume_takes_back_what_was_shown(tmp_path):
    run = make_run(tmp_path, rows=300, at=0.5)
    watch = Watch(run.folder)
    history = watch.poll().history
    shown, version = history.view("loss/critic")[0], history.version
    assert shown[-1] == 75_000
    run.metrics.rewind(50_000)
    run.metrics.append(50_500, "accelerate", {"loss/critic": 7.0})
    watch.poll()
    steps, values = history.view("loss/critic")
    assert (steps[-2], steps[-1], values[-1]) == (50_000, 50_500, 7.0)
    assert history.version > version
    assert shown[-1] == 75_000, "what a drawing holds must not change under it"


def test_a_value_that_was_not_finite_is_a_gap():
    history = History()
    history.extend([{"step": 1, "attempt": 1, "loss/clone": 0.5}, {"step": 2, "attempt": 1, "loss/clone": None}])
    np.testing.assert_array_equal(history.view("loss/clone")[1], [0.5, np.nan])


def test_series_grow_beyond_their_first_room():
    history = History()
    history.extend({"step": step, "attempt": 1, "x": step * 2.0} for step in range(5000))
    steps, values = history.view("x")
    assert len(steps) == 5000 and values[4999] == 9998.0


def test_events_come_newest_last_and_cleaned(tmp_path):
    run = make_run(tmp_path)
    watch = Watch(run.folder)
    watch.poll()
    run.events.append("warning", "\x1b[31mred\x1b[0m\x07", step=5)
    assert watch.poll().events[-1].message == "red"


def test_any_json_will_do_for_progress():
    for written in ({}, {"accelerate": 3, "speed": [], "machine": {"cpu": "x"}, "checkpoint": None, "eta_s": True}):
        progress = read_progress(json.loads(json.dumps(written)))
        assert progress.budget == 0 and math.isnan(progress.cpu) and progress.eta_s is None


def test_numbers_beyond_all_measure_are_left_out(tmp_path):
    run, huge = make_run(tmp_path, step=10**500), 10**500
    for path, line in (
        (run.folder.metrics, {"step": huge, "attempt": 1, "loss/critic": 1.0}),
        (run.folder.metrics, {"step": 200_000, "attempt": 1, "loss/critic": huge, "loss/actor": True}),
        (run.folder.metrics, {"rewind_to": huge, "attempt": 2}),
        (run.folder.events, {"time": huge, "step": huge, "kind": "start", "message": "here"}),
    ):
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
    snapshot = Watch(run.folder).poll()
    assert snapshot.status.step == 0 and snapshot.events[-1].step == 0
    assert snapshot.history.step == 200_000 and snapshot.history.view("loss/critic")[0].max() < 200_000


def test_a_folder_without_a_status_is_waited_for(tmp_path):
    run = make_run(tmp_path)
    run.folder.status.unlink()
    assert Watch(run.folder).poll().state == "STARTING"
