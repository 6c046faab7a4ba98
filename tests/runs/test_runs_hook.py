"""The person's hook: what it is told, where it prints, and what a hook that fails or hangs leaves."""

import contextlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from acceltui.runs import hook
from acceltui.runs.folder import RunFolder
from acceltui.runs.lock import engine_lock
from acceltui.runs.notify import notify, notify_crash, signals, what_happened
from acceltui.runs.settings import Event, Notify
from acceltui.runs.status import Status

STATUS = Status("STOPPED", step=1234, attempt=2)


def start(folder: RunFolder, command: str, **wanted: object) -> "subprocess.Popen[bytes] | None":
    return notify(Notify(hook=command, **wanted), "finish", folder, STATUS, "cheetah \x1b]0;t\x07STOPPED")


def ended(process: "subprocess.Popen[bytes] | None") -> int:
    assert process is not None
    return process.wait(60)


def test_it_is_told_what_happened_and_works_beside_the_run(folder: RunFolder) -> None:
    command = "env | grep ^ACCEL_ | sort > told; pwd >> told; tty >> told; echo $$ $PPID"
    command += "; for pid in $$ $PPID; do ps -o sid= -p $pid; done"
    assert ended(start(folder, command)) == 0
    assert (folder.path.parent / "told").read_text().splitlines() == [
        "ACCEL_EVENT=finish",
        "ACCEL_MESSAGE=cheetah STOPPED",
        "ACCEL_RUN=cheetah",
        f"ACCEL_RUN_PATH={folder.path}",
        "ACCEL_STATE=STOPPED",
        "ACCEL_STEP=1234",
        str(folder.path.parent),
        "not a tty",
    ]
    pids, sessions = folder.log.read_text().split()[:2], folder.log.read_text().split()[2:]
    assert pids == sessions, "out of reach of the terminal that it was started from, as is what waits for it"
    assert not folder.events.exists()


def test_one_that_fails_is_one_warning_event(folder: RunFolder) -> None:
    assert ended(start(folder, "echo out of order; exit 3")) == 0
    [event] = map(json.loads, folder.events.read_text().splitlines())
    assert (event["kind"], event["step"], event["by"]) == ("warning", 1234, "hook")
    assert event["message"] == "the hook for finish failed: exit code 3; engine.log has what it printed"
    assert folder.log.read_text().splitlines()[0] == "out of order"


def test_beside_a_living_engine_it_writes_no_event(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events have one writer; by exit code 1 the engine learns that there is something to say."""
    monkeypatch.setattr(hook, "ENGINE_GOES", 0.2)
    monkeypatch.setattr(sys, "argv", ["hook", "exit 3"])
    for name, value in (("EVENT", "switch"), ("RUN_PATH", str(folder.path)), ("STEP", "5")):
        monkeypatch.setenv(f"ACCEL_{name}", value)
    with engine_lock(folder):
        assert hook.main() == 1
    assert not folder.events.exists()
    assert hook.main() == 0
    assert "the hook for switch failed" in folder.events.read_text()


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    assert hook.run(f"sleep 1000 & echo $! $$ > {pids}; wait", 1.0) == "it took more than 1 s and was ended"
    for pid in map(int, pids.read_text().split()):
        with contextlib.suppress(psutil.NoSuchProcess):  # what is killed takes a moment to be gone
            until = time.monotonic() + 30
            while (process := psutil.Process(pid)).status() != psutil.STATUS_ZOMBIE:
                assert time.monotonic() < until, process
                time.sleep(0.05)


@pytest.mark.parametrize("wanted", [Notify(), Notify(hook="touch ../told", on=["crash"])])
def test_nothing_runs_that_was_not_asked_for(folder: RunFolder, wanted: Notify) -> None:
    assert notify(wanted, "finish", folder, STATUS, "") is None
    assert not folder.log.exists()


def test_a_crash_is_told_once_for_each_attempt_however_many_watch(folder: RunFolder) -> None:
    wanted = Notify(hook='echo "$ACCEL_EVENT $ACCEL_STEP"')
    first, second = Status("RUNNING", step=5, attempt=1), Status("RUNNING", step=9, attempt=2)
    others = psutil.Process().children()  # of tests before
    with ThreadPoolExecutor(8) as watchers:
        list(watchers.map(lambda status: notify_crash(wanted, folder, status, "gone"), [first] * 16 + [second] * 16))
    _, left = psutil.wait_procs([child for child in psutil.Process().children() if child not in others], 60)
    assert not left
    assert sorted(folder.log.read_text().splitlines()) == ["crash 5", "crash 9"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_crash_of_another_user_s_run_is_not_ours_to_tell(folder: RunFolder) -> None:
    os.chown(folder.path, 65534, 65534)
    notify_crash(Notify(hook="touch ../told"), folder, STATUS, "gone")
    assert not folder.log.exists()


@pytest.mark.parametrize(
    ("before", "now", "event"),
    [
        (None, ("CRASHED", "online"), None),
        (("RUNNING", "accelerate"), ("RUNNING", "accelerate"), None),
        (("SWITCHING", "accelerate"), ("RUNNING", "online"), "switch"),
        (("RUNNING", "online"), ("EVALUATING", "online"), None),
        (("RUNNING", "online"), ("FINISHED", "online"), "finish"),
        (("PAUSED", "accelerate"), ("STOPPED", "accelerate"), "finish"),
        (("RUNNING", "accelerate"), ("PREEMPTED", "accelerate"), "finish"),
        (("STALLED", "online"), ("CRASHED", "online"), "crash"),
        (("STARTING", "accelerate"), ("FAILED", "accelerate"), "crash"),
        (("FINISHED", "online"), ("FINISHED", "online"), None),
    ],
)
def test_what_a_watcher_sees_happen(before: tuple[str, str], now: tuple[str, str], event: Event | None) -> None:
    assert what_happened(before, now) == event


def test_a_terminal_gets_what_was_asked_for_and_nothing_else_to_obey() -> None:
    hostile = "run \x1b]0;t\x07\x07crashed\u202e"
    assert signals(Notify(), "crash", hostile) == "\a"
    assert signals(Notify(bell=False, osc9=True), "crash", hostile) == "\x1b]9;accel: run crashed\x07"
    assert signals(Notify(osc9=True), "crash", "x").startswith("\a\x1b]9;")
    assert signals(Notify(osc9=True, on=["finish"]), "crash", hostile) == ""
