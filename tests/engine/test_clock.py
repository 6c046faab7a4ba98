"""A wall clock that is set while an engine trains.

No test may set the machine's clock: the engine's own `time.time` tells another time instead, as the readers' does.
The kernel's, which stamps files, stays as it is.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_process import new_run, rows, status_of, until
from engine_recipes import small

from acceltui.runs import liveness
from acceltui.runs.commands import send_command, wait_for_ack
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import heartbeat_age, observed_state

HOURS = 3600.0
ENGINE = """
import pathlib, runpy, sys, time
real, shift = time.time, pathlib.Path(sys.argv[1])
time.time = lambda: real() + float(shift.read_text() or 0)
sys.argv = ["engine", "run", sys.argv[2]]
runpy.run_module("acceltui.engine", run_name="__main__")
"""
Set = Callable[[float], None]


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunFolder, subprocess.Popen[bytes], Set]]:
    """An engine that trains, and what sets its clock and the readers' to so many seconds from now."""
    folder, shift, real = new_run(tmp_path, small(accelerator={"steps": 10_000_000})), tmp_path / "shift", time.time

    def set_clocks(seconds: float) -> None:
        new = tmp_path / "new"
        new.write_text(str(seconds))
        new.replace(shift)
        monkeypatch.setattr(liveness.time, "time", lambda: real() + seconds)

    set_clocks(0)
    with folder.log.open("wb") as log:
        command = [sys.executable, "-c", ENGINE, str(shift), str(folder.path)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    until(lambda: status_of(folder).step > 60 or process.poll() is not None)
    yield folder, process, set_clocks
    process.kill()
    process.wait()


def test_a_run_lives_through_jumps_of_the_clock(
    living: tuple[RunFolder, subprocess.Popen[bytes], Set], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, process, set_clocks = living
    for hours in (5, -7, 0):
        set_clocks(hours * HOURS)
        until(lambda: heartbeat_age(folder, status_of(folder)) < 60)
        status = status_of(folder)
        assert observed_state(folder, status) in ("RUNNING", "EVALUATING")
        until(lambda status=status: status_of(folder).step > status.step + 40)
        progress = status_of(folder).progress
        assert progress["speed"]["steps"] > 0
        assert 0 < progress["eta_s"] < 10_000 * HOURS
        ack = wait_for_ack(folder, send_command(folder, "checkpoint", by="me@here"), timeout=60)
        assert ack is not None and ack.state == "done"
    assert wait_for_ack(folder, send_command(folder, "switch", by="me@here"), timeout=60) is not None
    assert process.wait(60) == 0
    assert status_of(folder).state == "FINISHED"
    written = rows(folder)
    assert [row["seq"] for row in written] == list(range(len(written)))
    assert all(row["speed/steps"] > 0 for row in written if "speed/steps" in row)
