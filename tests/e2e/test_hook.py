"""A person's hook on the real engine: run at the switch, at the end and over a crash, whatever becomes of it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from acceltui.runs.paths import list_runs
from acceltui.runs.status import read_status
from tests.e2e.conftest import ACCEL, Runs, eventually
from tests.e2e.test_engine_commands import BROKEN_TASK

QUICK = ("accelerator.steps=400", "online.steps=200", "algorithm.random_steps=200", "switch=null")
QUICK += ("evaluation.every=400", "evaluation.episodes=1", "evaluation.num_envs=1", "online.critic_warmup=0")
QUICK += ("online.clone_fade=0", "engine.threads=1")
LONG = ("accelerator.steps=100000", "online.steps=100000", "switch=null", "engine.threads=1")
Write = Callable[[str], Path]


def told(runs: Runs) -> list[list[str]]:
    """Lines that hooks have left, in words."""
    file = runs.folder / "told"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def hook(runs: Runs, write_settings: Write) -> Callable[[str], Path]:
    """Set a hook that tells its event, the state, the step and the state that the run folder shows; then `more`."""

    def write(more: str) -> Path:
        status = 'grep -o "\\"state\\": \\"[A-Z]*" "$ACCEL_RUN_PATH/status.json" | cut -d\\" -f4'
        line = f'echo "$ACCEL_EVENT $ACCEL_STATE $ACCEL_STEP $({status})" >> {runs.folder}/told'
        script = runs.folder / "hook.sh"
        script.write_text(f"{line}\n{more}\n")
        return write_settings(f"notify: {{hook: sh {script}}}")

    return write


def test_a_run_tells_its_switch_and_its_end_and_a_failing_hook_is_an_event(runs: Runs, hook: Write) -> None:
    hook("echo no line; exit 7")
    done = runs.call("run", "pendulum_quick", *QUICK, seconds=120)
    assert done.returncode == 0, done.stderr
    eventually(lambda: len(runs.events("warning")) == 2, 30)
    assert [line[:3] for line in told(runs)] == [["switch", "RUNNING", "400"], ["finish", "FINISHED", "600"]]
    assert told(runs)[1][3] == "FINISHED", "by then the run folder says so"
    assert {event["message"].split(" failed")[0] for event in runs.events("warning")} == {
        "the hook for switch",
        "the hook for finish",
    }
    assert runs.newest().log.read_text().count("no line\n") == 2


def test_a_hook_that_hangs_delays_nothing(runs: Runs, hook: Write) -> None:
    """Training goes on beside it, and the engine is gone before it is."""
    hook(f"echo $$ >> {runs.folder}/hanging; exec sleep 300")
    done = runs.call("run", "pendulum_quick", *QUICK, seconds=50)
    assert done.returncode == 0, done.stderr
    eventually(lambda: len(told(runs)) == 2, 30)
    status = read_status(runs.newest())
    assert status is not None and status.pid is not None
    eventually(lambda: not os.path.exists(f"/proc/{status.pid}"), 30)  # noqa: PTH110
    hanging = [int(pid) for pid in (runs.folder / "hanging").read_text().split()]
    assert len(hanging) == 2
    for pid in hanging:
        os.kill(pid, signal.SIGKILL)


def test_what_fails_tells_that(runs: Runs, hook: Write) -> None:
    """An exception in the environment: the engine's own last act."""
    hook("")
    (runs.folder / "broken_task.py").write_text(BROKEN_TASK)
    words = ["run", "pendulum_quick", "env.id=broken_task:Broken-v0", "--allow-import", "broken_task"]
    assert runs.call(*words).returncode == 1
    eventually(lambda: told(runs), 30)
    assert told(runs) == [["crash", "FAILED", "0", "FAILED"]]
    assert not list(runs.newest().path.glob(".crash-told*"))


def test_who_stops_a_run_is_told_and_who_kills_it_by_the_watchers(runs: Runs, hook: Write) -> None:
    hook("")
    folder = runs.start(*LONG)
    eventually(lambda: runs.step() > 0, 60)
    assert runs.call("stop").returncode == 0
    eventually(lambda: told(runs), 30)
    assert told(runs)[0][::3] == ["finish", "STOPPED"]
    resumed = runs.call("resume", "--detach")
    assert resumed.returncode == 0, resumed.stderr
    status = read_status(folder)
    assert status is not None and status.pid is not None
    watchers = [
        subprocess.Popen(
            [*ACCEL, "status", "--watch"], cwd=runs.folder, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        for _ in range(2)
    ]
    for watcher in watchers:
        assert watcher.stdout is not None and watcher.stdout.readline()
    os.kill(status.pid, signal.SIGKILL)
    for watcher in watchers:
        watcher.communicate(timeout=60)
        assert watcher.returncode == 1
    eventually(lambda: len(told(runs)) > 1, 30)
    time.sleep(0.5)  # a second one would be there by now
    assert [line[0] for line in told(runs)] == ["finish", "crash"]
    assert [path.name for path in folder.path.glob(".crash-told*")] == [".crash-told-2"]


def test_neither_a_recipe_nor_a_call_nor_a_folder_can_set_it(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only settings.yaml: not a recipe's key, not a variable, not a file in the run folder."""
    done = runs.call("run", "pendulum_quick", "notify.hook=touch told")
    assert done.returncode == 2 and "notify" in done.stderr
    assert not list_runs(runs.folder / "runs")
    monkeypatch.setenv("ACCEL_HOOK", f"touch {runs.folder}/told")
    monkeypatch.setenv("ACCEL_HOOK_ON", "finish crash switch")
    folder = runs.start(*LONG)
    (folder.path / "accel").mkdir()
    (folder.path / "accel" / "settings.yaml").write_text(f"notify: {{hook: touch {runs.folder}/told}}")
    eventually(lambda: runs.step() > 0, 60)
    assert runs.call("stop").returncode == 0
    eventually(lambda: "STOPPED" in runs.call("status").stdout, 30)
    assert not (runs.folder / "told").exists()
