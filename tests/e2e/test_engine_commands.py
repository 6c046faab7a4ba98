"""The command line against a living engine: every key's twin, and how runs end."""

import json
import os

from acceltui.runs.status import read_status
from tests.e2e.conftest import Runs, eventually

LONG = ("accelerator.steps=100000", "online.steps=100000", "switch=null", "engine.threads=1")


def test_commands_reach_the_engine(runs: Runs) -> None:
    """Evaluate, checkpoint, pause, unpause, switch, stop: each is done, recorded with who asked, and shown."""
    folder = runs.start(*LONG, "evaluation.every=50000")
    eventually(lambda: runs.step() > 1_200, 60)

    evaluated = len(rows_with(folder, "transformer/return"))
    assert runs.call("evaluate", "--now").returncode == 0
    assert len(rows_with(folder, "transformer/return")) == evaluated + 1
    assert runs.call("checkpoint").returncode == 0
    manifests = [json.loads(path.read_text()) for path in folder.checkpoints.glob("*/manifest.json")]
    assert any("command" in manifest["why"] for manifest in manifests)

    assert runs.call("pause").returncode == 0
    eventually(lambda: "PAUSED" in runs.call("status").stdout, 30)
    step = runs.step()
    assert runs.call("unpause").returncode == 0
    eventually(lambda: runs.step() > step, 30)

    assert runs.call("switch").returncode == 0
    assert json.loads(runs.call("status", "--json").stdout)["stage"] == "online"
    again = runs.call("switch")
    assert again.returncode == 3
    assert "stage online" in again.stderr

    assert runs.call("stop").returncode == 0
    eventually(lambda: json.loads(runs.call("status", "--json").stdout)["state"] == "STOPPED", 20)
    assert {event["kind"] for event in map(json.loads, folder.events.read_text().splitlines())} >= {
        "start",
        "command",
        "checkpoint",
        "switch",
        "stop",
    }
    late = runs.call("pause")
    assert late.returncode == 3
    assert "STOPPED" in late.stderr


def test_without_a_terminal_lines_come_out(runs: Runs) -> None:
    """`accel run` in a script prints progress, waits for both stages and ends with 0."""
    quick = ["accelerator.steps=600", "online.steps=300", "algorithm.random_steps=200", "switch=null"]
    quick += ["evaluation.every=300", "evaluation.episodes=2", "evaluation.num_envs=2"]
    quick += ["online.critic_warmup=0", "online.clone_fade=100"]
    done = runs.call("run", "pendulum_quick", *quick, seconds=120)
    assert done.returncode == 0, done.stderr
    assert "FINISHED" in done.stdout
    assert "stage online from step 600" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == f"Starting {runs.newest().name} ...\n", "warnings of libraries belong into the log"
    [listed] = json.loads(runs.call("ls", "--json").stdout)
    assert (listed["state"], listed["step"]) == ("FINISHED", 900)


def test_a_run_that_cannot_start_says_why(runs: Runs) -> None:
    """An environment that does not exist: one sentence with the nearest name, exit code 2, no traceback, no engine."""
    done = runs.call("run", "pendulum_quick", "env.id=Pendulumm-v1")
    assert done.returncode == 2
    assert "did you mean Pendulum-v1?" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not engines_of(runs)


def test_a_crash_at_the_start_shows_the_log(runs: Runs) -> None:
    """What the engine could not foresee: exit code 1 and the log's last lines."""
    (runs.folder / "broken_task.py").write_text(BROKEN_TASK)
    words = ["run", "pendulum_quick", "env.id=broken_task:Broken-v0", "--allow-import", "broken_task"]
    done = runs.call(*words)
    assert done.returncode == 1
    assert "the simulator is out of order" in done.stderr
    assert not engines_of(runs)
    status = read_status(runs.newest())
    assert status is not None and status.state == "FAILED"


def test_foreground_is_the_engine(runs: Runs) -> None:
    """`--foreground` trains in the calling process and ends with the run's code."""
    quick = ["accelerator.steps=300", "online.steps=100", "algorithm.random_steps=200", "switch=null"]
    quick += ["evaluation.every=200", "evaluation.episodes=1", "evaluation.num_envs=1", "online.critic_warmup=0"]
    done = runs.call("run", "pendulum_quick", "--foreground", *quick, "online.clone_fade=0", seconds=120)
    assert done.returncode == 0, done.stderr
    status = read_status(runs.newest())
    assert status is not None and status.state == "FINISHED"


def rows_with(folder, name: str) -> list[dict]:
    """Rows that have a metric."""
    rows = map(json.loads, folder.metrics.read_text().splitlines())
    return [row for row in rows if name in row]


def engines_of(runs: Runs) -> list[int]:
    """Pids of living processes that mention this test's folder."""
    pids = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/cmdline", "rb") as file:  # noqa: PTH123 - gone the next moment
                    words = file.read()
            except OSError:
                continue
            if b"acceltui.engine" in words and str(runs.folder).encode() in words:
                pids.append(int(entry.name))
    return pids


BROKEN_TASK = """
import gymnasium
from gymnasium.envs.classic_control import PendulumEnv

class Broken(PendulumEnv):
    def step(self, action):
        raise RuntimeError("the simulator is out of order")

gymnasium.register("Broken-v0", entry_point=Broken, max_episode_steps=200)
"""
