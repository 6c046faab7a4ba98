"""Whether a run lives, with real processes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from acceltui.runs import liveness
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import is_alive, observed_state, own_start, process_start
from acceltui.runs.status import Status, read_status, this_host, write_status


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def beat(folder: RunFolder, **values: object) -> Status:
    """Write a status and read it back, as a reader would."""
    write_status(folder, replace(Status(state="RUNNING", host=this_host()), **values))
    status = read_status(folder)
    assert status is not None
    return status


def beat_of(folder: RunFolder, engine: subprocess.Popen[bytes], **values: object) -> Status:
    started = process_start(engine.pid)
    return beat(folder, **{"pid": engine.pid, "pid_started": started, **values})


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "EVALUATING", "PAUSED", "SWITCHING"])
def test_a_living_process_with_a_heartbeat_is_what_it_says(
    folder: RunFolder, engine: subprocess.Popen[bytes], state: str
) -> None:
    status = beat_of(folder, engine, state=state)
    assert observed_state(folder, status) == state
    assert is_alive(folder, status)


@pytest.mark.parametrize("reap", [True, False])
def test_a_killed_process_has_crashed(folder: RunFolder, engine: subprocess.Popen[bytes], reap: bool) -> None:
    status = beat_of(folder, engine)
    engine.kill()
    if reap:
        engine.wait()
    else:
        os.waitid(os.P_PID, engine.pid, os.WEXITED | os.WNOWAIT)
    assert observed_state(folder, status) == "CRASHED"
    assert not is_alive(folder, status)


def test_a_pid_that_another_process_has_now_does_not_count(folder: RunFolder, engine: subprocess.Popen[bytes]) -> None:
    started = process_start(engine.pid)
    assert observed_state(folder, beat_of(folder, engine, pid_started=started - 3600)) == "CRASHED"


def test_a_process_without_heartbeat_is_stalled(folder: RunFolder, engine: subprocess.Popen[bytes]) -> None:
    status = beat_of(folder, engine)
    assert observed_state(folder, status, now=status.time + 14) == "RUNNING"
    assert observed_state(folder, status, now=status.time + 16) == "STALLED"


@pytest.mark.parametrize("state", ["FINISHED", "STOPPED", "PREEMPTED", "FAILED"])
def test_an_ended_run_stays_ended(folder: RunFolder, state: str) -> None:
    assert observed_state(folder, beat(folder, state=state, pid=1, pid_started=0.0)) == state


def test_an_engine_that_ended_after_the_status_was_read_has_not_crashed(
    folder: RunFolder, engine: subprocess.Popen[bytes]
) -> None:
    read_before = beat_of(folder, engine)
    beat_of(folder, engine, state="FINISHED")
    engine.kill()
    engine.wait()
    assert observed_state(folder, read_before) == "FINISHED"


def test_a_new_run_may_wait_a_minute_for_its_engine(folder: RunFolder) -> None:
    status = read_status(folder)
    assert status is not None
    assert observed_state(folder, status, now=status.time + 59) == "STARTING"
    assert observed_state(folder, status, now=status.time + 61) == "CRASHED"


@pytest.mark.parametrize(("age", "state"), [(0, "RUNNING"), (14, "RUNNING"), (20, "STALLED")])
def test_a_run_of_another_host_is_known_by_its_heartbeat(folder: RunFolder, age: float, state: str) -> None:
    status = beat(folder, host="elsewhere", pid=os.getpid(), pid_started=0.0)
    stamp = folder.status.stat().st_mtime - age
    os.utime(folder.status, (stamp, stamp))
    assert observed_state(folder, status) == state


def test_the_clock_of_this_host_says_nothing_about_another(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    status = beat(folder, host="elsewhere", pid=1, pid_started=0.0)
    now = time.time()
    monkeypatch.setattr(liveness.time, "time", lambda: now + 3600)
    assert observed_state(folder, replace(status, time=now - 3600)) == "RUNNING"
    assert [path.name for path in folder.path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("pid", [0, -1, 2**70])
def test_a_pid_that_is_none_has_crashed(folder: RunFolder, pid: int) -> None:
    assert observed_state(folder, beat(folder, pid=pid, pid_started=1.0)) == "CRASHED"


@pytest.mark.parametrize("jump", [-5 * 3600, 5 * 3600])
def test_no_engine_that_is_stuck_or_gone_looks_alive_when_the_clock_was_set(
    folder: RunFolder, engine: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """And a living one does at its next heartbeat."""
    status, now = beat_of(folder, engine), time.time()
    monkeypatch.setattr(time, "time", lambda: now + jump)
    assert observed_state(folder, status) == "STALLED"
    assert observed_state(folder, beat_of(folder, engine)) == "RUNNING"
    engine.kill()
    engine.wait()
    assert observed_state(folder, status) == "CRASHED"


@pytest.mark.parametrize("jump", [-5 * 3600, 5 * 3600])
def test_the_same_holds_for_the_clock_of_a_file_server(folder: RunFolder, jump: float) -> None:
    status = beat(folder, host="elsewhere", pid=1, pid_started=0.0)
    stamp = folder.status.stat().st_mtime - jump
    os.utime(folder.status, (stamp, stamp))
    assert observed_state(folder, status) == "STALLED"


def test_the_start_of_a_process_does_not_move_with_the_clock(
    folder: RunFolder, engine: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells the time of boot as it would be by the present clock; psutil adds it."""
    status = beat_of(folder, engine)
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600, raising=False)
    assert observed_state(folder, status) == "RUNNING"


def test_a_name_with_parentheses_hides_no_start(tmp_path: Path) -> None:
    program = tmp_path / "sleep ) 7 (x) "
    shutil.copy(shutil.which("sleep") or "sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            assert abs(process_start(process.pid) - own_start()) < 24 * 3600
            assert process_start(process.pid) > own_start()
        finally:
            process.kill()
