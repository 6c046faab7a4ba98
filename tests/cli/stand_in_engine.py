"""A stand-in for the engine's process: keeps to its contract with the run folder, trains nothing.

Called as the engine is, `VERB TARGET`. What it does is said by the environment variable STAND_IN.
"""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from acceltui.runs.commands import CommandInbox
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import own_start
from acceltui.runs.status import Status, this_host, write_status

HOSTILE = "\x1b]0;title\x07\u202e"
"""What a terminal would obey."""
SPACES = {
    "observation": {"shape": [3], "dtype": "float32"},
    "visible": 2,
    "image": None,
    "seen": "2 of 3 numbers",
    "action": {"shape": [1], "discrete": False, "low": [-2.0], "high": [2.0]},
    "success": False,
    "episode_steps": 200,
}
PLAN = {
    "spaces": SPACES,
    "parameters": {"accelerator": 1234, "critic": 56_789, "transformer": 130_000},
    "peak_bytes": 400_000_000,
    "replay_bytes": {"accelerate": 3_000_000, "online": 1_000_000},
    "bytes_per_transition": 30.0,
    "speed": {"accelerate": 1500.0, "online": 700.0, "measured_steps": 100},
    "seconds": {"accelerate": 60.0, "online": 120.0, "evaluation": 10.0, "total": 190.0},
}
EVALUATION = {
    "run": "run-a",
    "checkpoint": "0000000050-1",
    "step": 50,
    "stage": "online",
    "why": ["best", f"[bold]{HOSTILE}"],
    "policy": "transformer",
    "seed": 1_000_000,
    "return": {"mean": -12.5, "std": 2.5, "min": -15.0, "max": -10.0, "median": -12.5},
    "steps": {"mean": 20.0, "std": 0.0, "min": 20.0, "max": 20.0, "median": 20.0},
    "success": 0.5,
    "success_at_end": 0.0,
    "video": None,
    "notes": [f"a note{HOSTILE} of the engine's"],
    "episodes": [
        {"seed": 1_000_000, "return": -15.0, "steps": 20, "success": True, "success_at_end": False},
        {"seed": 1_000_001, "return": -10.0, "steps": 20, "success": False, "success_at_end": False},
    ],
}
PROGRESS = {
    "accelerate": {"steps": 1000, "of": 2000},
    "online": {"steps": 0, "of": 2000},
    "speed": {"steps": 1842.0, "updates": 900.0},
    "eta_s": 90.0,
    "latest": {"transformer/return": -120.5, "accelerator/return": -80.25},
}


def answer(verb: str) -> int:
    """The engine's other verbs."""
    if os.environ["STAND_IN"] == "wrong":
        print(json.dumps({"error": {"path": "env.id", "message": "no such environment", "hint": "try Pendulum-v1"}}))
        return 2
    if os.environ["STAND_IN"] == "crash":
        print(f"Traceback: {HOSTILE}boom", file=sys.stderr)
        return 1
    if verb == "evaluate":
        print("evaluated 1 of 2 episodes", "a library's warning", sep="\n", file=sys.stderr)
    print(json.dumps({"plan": PLAN, "evaluate": EVALUATION}.get(verb, SPACES)))
    return 0


def run(folder: RunFolder) -> int:
    """A run that goes as STAND_IN says."""
    behaviour = os.environ["STAND_IN"]
    print(f"working in {Path.cwd()}{HOSTILE}")
    me = Status("STARTING", pid=os.getpid(), pid_started=own_start(), host=this_host(), run=folder.name)
    write_status(folder, me)
    if behaviour == "crash":
        raise SystemError("boom")
    if behaviour == "wrong" or (behaviour == "second" and "-s2-" in folder.name):
        write_status(
            folder, replace(me, state="FAILED", error={"kind": "recipe", "message": f"env.id: no such {HOSTILE}id"})
        )
        return 2
    me = replace(me, state="RUNNING", step=1000, progress=PROGRESS)
    write_status(folder, me)
    EventWriter(folder.events).append("start", f"begun on {HOSTILE}cpu", step=0)
    if behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "hold":
        hold(folder, me)
    ends = {"preempt": "PREEMPTED", **dict.fromkeys(("finish", "hold", "second"), "FINISHED")}
    state = ends.get(behaviour) or serve(folder, me)
    write_status(folder, replace(me, state=state))
    return 75 if state == "PREEMPTED" else 0


def hold(folder: RunFolder, me: Status) -> None:
    """Run until there is a file `go` beside the runs folder."""
    while not (folder.path.parents[1] / "go").exists():
        write_status(folder, me)
        time.sleep(0.05)


def serve(folder: RunFolder, me: Status) -> str:
    """Obey commands, as STAND_IN says, until one is to stop."""
    inbox = CommandInbox(folder)
    for _ in range(600):
        write_status(folder, me)
        for command in inbox.poll() if os.environ["STAND_IN"] != "deaf" else ():
            inbox.ack(command, "taken", step=1000)
            if os.environ["STAND_IN"] == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if os.environ["STAND_IN"] == "refuse":
                inbox.ack(command, "refused", f"the stage is {HOSTILE}online already", step=1000)
            else:
                inbox.ack(command, "done", step=1001)
            if command.kind == "stop":
                return "STOPPED"
        time.sleep(0.05)
    return "FAILED"


if __name__ == "__main__":
    verb, target = sys.argv[1:3]
    sys.exit(run(RunFolder(Path(target))) if verb == "run" else answer(verb))
