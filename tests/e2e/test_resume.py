"""Runs that die are resumed from the command line, in processes of their own."""

import json
import os
import shutil
import signal
from pathlib import Path

from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import apply_rewinds
from acceltui.runs.status import read_status
from tests.e2e.conftest import Runs, eventually

SHORT = (
    "engine.threads=1",
    "env.num_envs=2",
    "env.keep=[0, 1]",
    "algorithm.random_steps=150",
    "algorithm.batch_size=32",
    "accelerator.steps=400",
    "online.steps=300",
    "online.clone_fade=100",
    "online.critic_warmup=0",
    "switch=null",
    "evaluation.every=150",
    "evaluation.episodes=2",
    "evaluation.num_envs=2",
    "checkpoint.every=50",
    "checkpoint.keep=4",
    "log.every=50",
)


def kill(folder: RunFolder) -> None:
    """As a machine does that runs out of memory."""
    status = read_status(folder)
    assert status is not None and status.pid is not None
    os.killpg(status.pid, signal.SIGKILL)


def counted(folder: RunFolder) -> list[dict[str, float]]:
    """The measurements that count, without those of a clock and of the machine."""
    excluded = ("time", "seq", "attempt", "speed/", "machine/")
    return [
        {name: value for name, value in row.items() if not name.startswith(excluded)}
        for row in apply_rewinds(JsonlReader(folder.metrics).poll())
    ]


def weights(folder: RunFolder) -> dict[str, str]:
    """Hashes of all that the last checkpoint holds."""
    newest = max((path for path in folder.checkpoints.glob("*/manifest.json")), key=lambda path: path.stat().st_mtime)
    return {name: part["sha256"] for name, part in json.loads(newest.read_text())["files"].items()}


def test_a_run_killed_twice_and_resumed_ends_as_one_that_was_not(runs: Runs) -> None:
    assert runs.call("run", "pendulum_quick", *SHORT, "--name", "whole", seconds=180).returncode == 0
    whole = RunFolder(runs.newest().path)
    assert runs.call("run", "pendulum_quick", *SHORT, "--name", "killed", "--detach").returncode == 0
    killed = RunFolder(whole.path.parent / "killed")
    for number, step in enumerate((200, 500), start=1):
        eventually(lambda step=step: reached(killed) >= step, 60)
        kill(killed)
        eventually(lambda: "CRASHED" in runs.call("ls").stdout, 30)
        assert runs.call("resume", "killed", "--detach").returncode == 0
        eventually(lambda number=number: attempt(killed) == number + 1, 30)
    eventually(lambda: state(killed) == "FINISHED", 120)
    assert counted(killed) == counted(whole)
    assert weights(killed) == weights(whole)
    events = [event for event in JsonlReader(killed.events).poll() if event["kind"] == "resume"]
    assert len(events) == 2 and "goes on from" in events[0]["message"]

    again = runs.call("resume", "killed")
    assert again.returncode == 2
    assert again.stderr == "killed is FINISHED: there is nothing to resume.\n"


def test_a_damaged_checkpoint_is_skipped_and_said(runs: Runs) -> None:
    folder = runs.start(*SHORT, "accelerator.steps=100000")
    eventually(lambda: len(list(folder.checkpoints.glob("0*"))) >= 2, 60)
    living = runs.call("resume")
    assert living.returncode == 2
    assert "runs: `accel attach" in living.stderr
    assert runs.call("stop").returncode == 0
    eventually(lambda: state(folder) == "STOPPED", 30)
    newest = sorted(folder.checkpoints.glob("0*"))[-1]
    file = newest / "critic.safetensors"
    file.write_bytes(file.read_bytes()[:-8] + b"12345678")
    assert runs.call("resume", "--detach").returncode == 0
    eventually(lambda: attempt(folder) == 2 and reached(folder) > 0, 30)
    said = [event["message"] for event in JsonlReader(folder.events).poll() if event["kind"] == "warning"]
    assert said == [f"checkpoint {newest.name} is skipped: critic.safetensors is damaged"]
    assert runs.call("stop").returncode == 0


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(runs: Runs) -> None:
    folder = runs.start(*SHORT, "accelerator.steps=100000")
    kill(folder)
    shutil.rmtree(folder.checkpoints)
    Path(folder.checkpoints).mkdir()
    eventually(lambda: "CRASHED" in runs.call("ls").stdout, 30)
    refused = runs.call("resume")
    assert refused.returncode == 2
    assert refused.stderr == f"{folder.name} has no checkpoint to go on from: start a new run.\n"


def state(folder: RunFolder) -> str:
    status = read_status(folder)
    return "" if status is None else status.state


def attempt(folder: RunFolder) -> int:
    status = read_status(folder)
    return 0 if status is None else status.attempt


def reached(folder: RunFolder) -> int:
    rows = apply_rewinds(JsonlReader(folder.metrics).poll())
    return rows[-1]["step"] if rows else 0


def test_a_fork_without_changes_is_the_originals_continuation_and_one_with_changes_says_so(runs: Runs) -> None:
    assert runs.call("run", "pendulum_quick", *SHORT, "--name", "whole", seconds=180).returncode == 0
    whole = RunFolder(runs.newest().path)
    same = runs.call("fork", "whole", "--at", "switch", "--name", "same", seconds=180)
    assert same.returncode == 0, same.stderr
    twin = RunFolder(whole.path.parent / "same")
    assert counted(twin) == counted(whole)
    assert weights(twin) == weights(whole)

    changes = ("online.replay=300", "online.seed_replay=300")
    other = runs.call("fork", "whole", *changes, "--at", "switch", "--name", "other", seconds=180)
    assert other.returncode == 0, other.stderr
    different = RunFolder(whole.path.parent / "other")
    switched = [row for row in counted(whole) if row["step"] <= 400]
    assert [row for row in counted(different) if row["step"] <= 400] == switched
    assert counted(different) != counted(whole)
    assert {row["replay/capacity"] for row in counted(different) if row["step"] > 400 and "replay/capacity" in row} == {
        300
    }
    (event,) = [event for event in JsonlReader(different.events).poll() if event["kind"] == "fork"]
    assert event["message"].startswith("forked from whole at step 400; what came before is its history; changed: ")
    assert event["changes"] == ["online.replay=300", "online.seed_replay=300"]

    for call, said in (
        (("fork", "whole", "--at", "5"), "whole has no checkpoint at '5'. There are: "),
        (("fork", "whole", "env.id=HalfCheetah-v5"), "A fork cannot change env.id: what was learned is of another"),
        (("fork", "whole", "transformer.width=48"), "A fork cannot change transformer.width: its weights have other"),
        (("fork", "whole", "online.replay=x"), "online.replay"),
    ):
        refused = runs.call(*call)
        assert refused.returncode == 2, refused.stderr
        assert said in refused.stderr and "Traceback" not in refused.stderr
    # What counts is what the checkpoint was trained with.
    whole.resolved.write_text(whole.resolved.read_text().replace("width: 32", "width: 64"))
    edited = runs.call("fork", "whole")
    assert edited.returncode == 2 and "A fork cannot change transformer.width" in edited.stderr


def test_a_fork_in_stage_online_may_have_another_replay(runs: Runs) -> None:
    assert runs.call("run", "pendulum_quick", *SHORT, "--name", "whole", seconds=180).returncode == 0
    other = runs.call("fork", "whole", "online.replay=200", "online.seed_replay=200", "--at", "600", seconds=180)
    assert other.returncode == 0, other.stderr
    rows = [row for row in counted(RunFolder(runs.newest().path)) if row["step"] > 600 and "replay/size" in row]
    assert rows and {(row["replay/size"], row["replay/capacity"]) for row in rows} == {(200, 200)}
