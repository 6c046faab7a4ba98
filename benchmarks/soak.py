"""Quick runs in a loop, killed and commanded at random, beside an engine and a dashboard that last all the time.

python benchmarks/soak.py --minutes 60 --seed 1 --out benchmarks/results/soak.json

Afterwards nothing may be left of any of them, and the two that last must not have grown. All of it shares one core.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from detached import SHORT, Detached, engine_of, eventually, leftovers, send, state
from lasting import SIZES, Samples, Watcher

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.status import read_status

QUICK = (*SHORT, "accelerator.steps=500", "online.steps=400")
LASTING = (
    *SHORT,
    "accelerator.steps=100000000",
    "accelerator.replay=2000",
    "online.seed_replay=1000",
    "clone.newest=1000",
    "evaluation.every=2000",
    "checkpoint.every=1000",
    "log.every=500",
)
"""Its replay is full after seconds, and no switch drops it: what grows after that is a leak."""
GROWTH = 0.02
POINT_BYTES = 16
"""Of one measurement in the dashboard: a step and a value."""
ACTS = ("kill", "kill group", "terminate", "stop", "switch", "pause", "checkpoint", "evaluate")


class Quick:
    """Short runs to which anything may happen; `failures` are sentences."""

    def __init__(self, accel: Detached, rng: random.Random) -> None:
        self.accel, self.rng = accel, rng
        self.done: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self.shared: set[int] = set()
        """Inodes in /dev/shm that an engine has had open."""
        self.orphaned: set[int] = set()
        """Of those, the semaphores of engines that were killed together with the process that would remove them."""

    def call(self, name: str, *words: str, may: tuple[int, ...] = (0,)) -> int:
        """One command line, which must end in one of those exit codes."""
        code, printed = self.accel.call(*words)
        self.done[words[0]] += 1
        if code not in may or "Traceback" in printed:
            self.failures.append(f"{name}: accel {' '.join(words[:3])} ended with {code}: {printed.strip()[-500:]}")
        return code

    def run(self, number: int) -> None:
        """A whole run."""
        name = f"quick-{number}"
        apart = ["env.processes=true"] if self.rng.random() < 0.25 else []
        self.call(name, "run", "pendulum_quick", *QUICK, *apart, f"seed={number}", "--name", name, "--detach")
        run = self.accel.run(name)
        eventually(lambda: find_checkpoints(run) or state(run) == "FAILED", f"{name} saves")
        for _ in range(self.rng.randint(1, 6)):
            time.sleep(self.rng.uniform(0, 3))
            if state(run) == "FINISHED":
                break
            self.act(name, self.rng.choice(ACTS))
        last = self.rng.choice(("finish", "finish", "stop"))
        if last == "stop":
            self.call(name, "stop", name, may=(0, 3))
        eventually(lambda: state(run) in ("FINISHED", "STOPPED"), f"{name} ends, {state(run)}")
        self.done[state(run)] += 1

    def act(self, name: str, act: str) -> None:
        """What may happen to a living run; one that ended of it is resumed, or forked and resumed."""
        run = self.accel.run(name)
        status = read_status(run)
        assert status is not None
        assert status.pid is not None
        self.done[act] += act not in ("stop", "switch", "pause", "checkpoint", "evaluate")
        match act:
            case "kill" | "kill group":
                self.send(status.pid, signal.SIGKILL, group=act == "kill group")
            case "terminate":
                self.send(status.pid, signal.SIGTERM)
            case "pause":
                self.call(name, "pause", name, may=(0, 3))
                time.sleep(self.rng.uniform(0, 2))
                if self.rng.random() < 0.3:
                    self.send(status.pid, signal.SIGKILL)
                    self.done["kill while paused"] += 1
                else:
                    while self.call(name, "unpause", name, may=(0, 3)) and state(run) == "PAUSED":
                        pass
            case "evaluate":
                self.call(name, "evaluate", name, "--now", may=(0, 3))
            case _:
                self.call(name, act, name, may=(0, 3))
        if act in ("kill", "kill group", "terminate", "stop"):
            eventually(lambda: state(run) in ("CRASHED", "PREEMPTED", "STOPPED", "FINISHED"), f"{name} ends of {act}")
        if state(run) in ("CRASHED", "PREEMPTED", "STOPPED"):
            if self.rng.random() < 0.2:
                fork = f"{name}-fork-{self.done['fork']}"
                self.call(name, "fork", name, "--name", fork, "--detach")
                eventually(lambda: state(self.accel.run(fork)) == "FINISHED", f"{fork} ends")
            while self.rng.random() < 0.3 and not self.killed_at_start(name):
                pass
            if state(run) != "FINISHED":
                self.call(name, "resume", name, "--detach")

    def killed_at_start(self, name: str) -> bool:
        """Resume, and kill the engine while it starts; gives whether it was too late for that."""
        call = self.accel.begin("resume", name, "--detach")
        engine = eventually(lambda: engine_of(call) or call.poll() is not None, f"{name} is resumed")
        if not isinstance(engine, psutil.Process):
            self.failures.append(
                f"{name}: accel resume ended with {call.returncode}: {''.join(call.communicate())[-500:]}"
            )
            return True
        time.sleep(self.rng.uniform(0, 3))
        self.send(engine.pid, self.rng.choice((signal.SIGKILL, signal.SIGTERM)))
        call.communicate()
        self.done["kill at start"] += 1
        run = self.accel.run(name)
        eventually(lambda: state(run) in ("CRASHED", "PREEMPTED", "STOPPED", "FINISHED"), f"{name} ends at its start")
        return state(run) == "FINISHED"

    def send(self, pid: int, number: signal.Signals, group: bool = True) -> None:
        """A signal to an engine; what it has in shared memory is remembered."""
        inodes = shared_memory(pid)
        self.shared |= inodes
        if group and number == signal.SIGKILL:
            self.orphaned |= inodes
        send(pid, number, group)


def shared_memory(pid: int) -> set[int]:
    """Inodes in /dev/shm that a process has open; a semaphore is not mapped by the name that it has there."""
    with contextlib.suppress(OSError):
        maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
        return {int(words[4]) for words in maps if len(words) > 5 and words[5].startswith("/dev/shm/")}
    return set()


def still_shared(inodes: set[int]) -> list[Path]:
    """Which of them have a name there."""
    return [Path(entry.path) for entry in os.scandir("/dev/shm") if entry.inode() in inodes]


def soak(minutes: float, seed: int, folder: Path) -> dict[str, Any]:
    """All of it; gives the document."""
    accel = Detached(folder)
    try:
        return watched(accel, minutes * 60, seed)
    finally:
        accel.kill_all()


def watched(accel: Detached, seconds: float, seed: int) -> dict[str, Any]:
    """Start those that last, let the quick ones come and go, look at what is left."""
    code, printed = accel.call("run", "pendulum_quick", *LASTING, "--name", "lasting", "--detach")
    assert code == 0, printed
    lasting = accel.run("lasting")

    def full() -> bool:
        status = read_status(lasting)
        filled = [] if status is None else [status.progress[name] for name in ("replay", "windows")]
        return any(filled) and all(0 < part["capacity"] <= part["size"] for part in filled)

    eventually(full, "the replay is full")
    status = read_status(lasting)
    assert status is not None
    assert status.pid is not None
    psutil.Process(status.pid).nice(os.nice(0) + 5)  # the others are to come to something beside it
    watcher = Watcher(accel, "lasting")
    began = time.monotonic()
    samples = Samples({"engine": status.pid, "watcher": watcher.process.pid})
    quick, number = Quick(accel, random.Random(seed)), 0
    while time.monotonic() - began < seconds:
        number += 1
        try:
            quick.run(number)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            quick.failures.append(str(error))
        # Whoever runs this sees that it does.
        print(f"{(time.monotonic() - began) / 60:6.1f} min  {number} runs, {len(quick.failures)} failures", flush=True)
    samples.stop()
    lasted = {name: samples.growth(name, time.monotonic() - began) for name in samples.taken}
    took = [lasted["watcher"][when]["time"] for when in ("before", "after")]
    rows = JsonlReader(lasting.metrics).catch_up()
    points = sum(len(row) - 5 for row in rows if took[0] < row.get("time", 0) <= took[1])
    drawn = watcher.drawn
    time.sleep(5)
    alive = {"engine": state(lasting), "watcher": watcher.process.poll() is None and watcher.drawn > drawn}
    code = watcher.leave()
    quick.call("lasting", "stop", "lasting")
    eventually(lambda: state(lasting) == "STOPPED", "the lasting run stops")
    with contextlib.suppress(TimeoutError):
        eventually(lambda: not accel.processes(), "all processes are gone", 30)
    left = {
        "processes": [" ".join(process.cmdline()) for process in accel.processes()],
        "children": [str(child) for child in psutil.Process().children(recursive=True)],
        # torch makes a folder there for what it will compile.
        "temporary": sorted(p.name for p in accel.temporary.iterdir() if not p.name.startswith("torchinductor_")),
        "shared memory": sorted(map(str, still_shared(quick.shared - quick.orphaned))),
        "in run folders": [
            f"{run.name}/{name}" for run in sorted(accel.root.iterdir()) for name in leftovers(accel.run(run.name))
        ],
    }
    orphaned = still_shared(quick.orphaned)
    for path in orphaned:
        path.unlink(missing_ok=True)
    states = collections.Counter(state(accel.run(path.name)) for path in accel.root.iterdir())
    history = points * POINT_BYTES
    watched = lasted["watcher"]
    watched["history bytes"] = history
    for key in SIZES:
        watched["growth"][f"{key} without history"] = (watched["after"][key] - history) / watched["before"][key] - 1
    goals = {
        "nothing failed": not quick.failures,
        "all runs FINISHED or STOPPED": set(states) <= {"FINISHED", "STOPPED"},
        "engine grew by less than 2%": max(lasted["engine"]["growth"][key] for key in ("rss", "own")) < GROWTH,
        "watcher grew by less than 2%": max(watched["growth"][f"{key} without history"] for key in ("rss", "own"))
        < GROWTH,
        "handles and threads are as many": all(
            one["after"][key] <= one["before"][key] for one in lasted.values() for key in ("fds", "threads")
        ),
        "the watcher drew to the end and left": alive == {"engine": "RUNNING", "watcher": True} and code == 0,
        "nothing is left": not any(left.values()),
    }
    status = read_status(lasting)
    return {
        "goals": goals,
        "minutes": (time.monotonic() - began) / 60,
        "seed": seed,
        "runs": number,
        "done": dict(sorted(quick.done.items())),
        "states": dict(states),
        "lasting steps": 0 if status is None else status.step,
        "lasted": lasted,
        "left": left,
        "semaphores left by SIGKILL to whole groups": len(orphaned),
        "failures": quick.failures,
    }


def show(document: dict[str, Any]) -> None:
    """The document as a short table."""
    for name, one in document["lasted"].items():
        for key in SIZES:
            was, grown = one["before"][key] / 2**20, one["growth"][key]
            rest = one["growth"].get(f"{key} without history")
            said = "" if rest is None else f" ({rest:+.2%} without history)"
            print(f"{name:8s} {key}  {was:7.1f} MiB {grown:+.2%}{said}")
        for key in ("fds", "threads"):
            print(f"{name:8s} {key:8s} {one['before'][key]:g} -> {one['after'][key]:g}")
    print(", ".join(f"{count} {what}" for what, count in document["done"].items()))
    for goal, met in document["goals"].items():
        print(f"{'met   ' if met else 'MISSED'}  {goal}")


def main() -> int:
    """Soak; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whoever ends this leaves no engine behind
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        document = soak(options.minutes, options.seed, Path(folder))
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))
    show(document)
    return 0 if all(document["goals"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
