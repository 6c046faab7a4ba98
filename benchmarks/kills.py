"""Runs that save many times a second, killed at random moments and resumed: nothing that was announced may be lost.

python benchmarks/kills.py --kills 100 --seed 1 --out benchmarks/results/kills.json

SIGKILL to the engine's process group, at a moment uniform over its start-up and some seconds of training. A run that
comes to its end all the same must have ended as one of the same seed that nobody killed; then the next one begins.
"""

import argparse
import collections
import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from detached import SHORT, Detached, engine_of, eventually, leftovers, send, state

from acceltui.runs.checkpoints import Found, find_checkpoints, newest_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import apply_rewinds, is_rewind

KEEP, SWITCH, EVALUATE = 4, 1000, 50
OFTEN = (
    *SHORT,
    f"accelerator.steps={SWITCH}",
    "online.steps=1000",
    f"evaluation.every={EVALUATE}",
    "checkpoint.every=10",
    f"checkpoint.keep={KEEP}",
)
REACH = 2.5
"""Start-ups within which an engine is killed."""
CLOCKS = ("time", "seq", "attempt")


def killed_at(run: RunFolder, began: float) -> str:
    """What an engine that `began` then was at when it was killed, by what it left."""
    events = [event for event in JsonlReader(run.events).catch_up() if event["time"] >= began]
    whole = {found.path for found in find_checkpoints(run)}
    if any(path not in whole and path.stat().st_mtime >= began for path in run.checkpoints.iterdir()):
        return "saving"
    if not any(event["kind"] in ("resume", "random") for event in events):
        return "start-up"
    rows = [row for row in JsonlReader(run.metrics).catch_up() if row.get("time", 0) >= began]
    step = rows[-1]["step"] if rows else 0
    evaluated = any(row["step"] == step and "transformer/return" in row for row in rows)
    if step == SWITCH and evaluated and not any(event["kind"] == "switch" for event in events):
        return "switch"
    return "evaluation" if rows and step % EVALUATE == 0 and not evaluated else "training"


def due(run: RunFolder) -> dict[str, Found | None]:
    """Checkpoints that must be there, by name: announced or found, and not made superfluous by a later one."""
    found = {one.path.name: one for one in find_checkpoints(run)}
    whys = {name: list(one.manifest["why"]) for name, one in found.items()}
    for event in JsonlReader(run.events).catch_up():
        if event["kind"] == "checkpoint":
            _, name, *_ = event["message"].split()
            whys[name] = event["why"].split(", ")

    def age(name: str) -> tuple[int, int, str]:
        step, _, rest = name.partition("-")
        attempt, _, again = rest.partition(".")
        return int(attempt), int(step), again

    kept: set[str] = set()
    for why, count in {"periodic": KEEP, "best": 1, "end": 1, "switch": None, "command": None}.items():
        holders = sorted((name for name in whys if why in whys[name]), key=age)
        kept |= set(holders if count is None else holders[-count:])
    return {name: found.get(name) for name in kept | found.keys()}


def wrong(run: RunFolder, accel: Detached, crashed: bool) -> list[str]:
    """Sentences on what a kill has spoilt."""
    said = []
    for name, found in due(run).items():
        damage = "is not there" if found is None else found.damage()
        if damage:
            said.append(f"checkpoint {name}: {damage}")
    for path in (run.metrics, run.events):
        reader = JsonlReader(path)
        reader.poll()
        if reader.skipped:
            said.append(f"{path.name}: {reader.skipped} lines that are no JSON")
    rows = list(JsonlReader(run.metrics).catch_up())
    numbers = [row["seq"] for row in rows if not is_rewind(row)]
    if any(one >= other for one, other in itertools.pairwise(numbers)):
        said.append("metrics: seq does not ascend")
    steps: dict[str, list[int]] = collections.defaultdict(list)
    for row in apply_rewinds(rows):
        for key in row.keys() - {"seq", "attempt", "step", "stage", "time"}:
            steps[key].append(row["step"])
    for key, taken in steps.items():
        if any(one > other for one, other in itertools.pairwise(taken)):
            said.append(f"metrics: the steps of {key} do not ascend")
        if len(set(taken)) < len(taken) and not key.startswith("steps/"):
            said.append(f"metrics: {key} twice at one step")
    if crashed:
        code, printed = accel.call("ls", "--json")
        listed = {one["run"]: one["state"] for one in json.loads(printed)} if code == 0 else {}
        if listed.get(run.name) != "CRASHED":
            said.append(f"accel ls says {listed.get(run.name)}")
    return said


def end_of(run: RunFolder) -> dict[str, Any]:
    """What the last checkpoint holds, and the measurements that count, without those of a clock."""
    newest, skipped = newest_whole(run)
    files = {} if newest is None else {name: part["sha256"] for name, part in newest.manifest["files"].items()}
    rows = [
        {key: value for key, value in row.items() if key not in CLOCKS and not key.startswith("speed/")}
        for row in apply_rewinds(JsonlReader(run.metrics).catch_up())
    ]
    return {"files": files, "rows": rows, "skipped": skipped}


@dataclass
class Attempt:
    """An engine that was started, and the checkpoint that it has to go on from."""

    call: subprocess.Popen[str]
    pid: int
    began: float
    goes_on_from: str = ""


class Kills:
    """One run after another, killed until enough have been; `failures` are sentences."""

    def __init__(self, accel: Detached, kills: int, seed: int) -> None:
        self.accel, self.kills, self.rng = accel, kills, random.Random(seed)
        self.fell: collections.Counter[str] = collections.Counter()
        """Kills by what the engine was at."""
        self.failures: list[str] = []
        self.runs = self.equal = self.resumes = self.trained = 0
        self.starts = 0.0
        """Seconds that the last start-up took."""

    def go(self) -> None:
        """Until there were enough kills, and the run that was killed last is at its end."""
        while self.fell.total() < self.kills:
            self.runs += 1
            self.run(seed=self.runs)
            print(f"{self.fell.total():4d} kills, {self.runs} runs, {len(self.failures)} failures", flush=True)

    def run(self, seed: int) -> None:
        """One run to its end, killed on the way, and one that is not."""
        recipe = ("run", "pendulum_quick", *OFTEN, f"seed={seed}", "--name")
        run, whole = self.accel.run(f"killed-{seed}"), self.accel.run(f"whole-{seed}")
        attempt = self.begin(*recipe, run.name)
        # Before that, a run that dies has nothing to go on from, and `accel resume` says so.
        eventually(lambda: find_checkpoints(run), "the first checkpoint")
        reach = self.starts = time.time() - attempt.began
        while self.fell.total() < self.kills:
            time.sleep(self.rng.uniform(0, reach))
            if not self.killed(run, attempt):
                break
            newest, skipped = newest_whole(run)
            self.failures += [f"{run.name}: {sentence}" for sentence in skipped]
            attempt = self.begin("resume", run.name)
            attempt.goes_on_from = "" if newest is None else newest.path.name
            self.resumes += 1
            reach = REACH * self.starts
        eventually(lambda: state(run) == "FINISHED", f"{run.name} is at its end")
        attempt.call.communicate()
        self.look_at(run, attempt, crashed=False)
        self.failures += [f"{run.name}: {name} is left" for name in leftovers(run)]
        code, printed = self.accel.call(*recipe, whole.name)
        if code != 0:
            self.failures.append(f"{whole.name}: {printed[-500:]}")
        if end_of(run) == end_of(whole):
            self.equal += 1
        else:
            self.failures.append(f"{run.name} has not ended as {whole.name} has")

    def begin(self, *words: str) -> Attempt:
        """Start an engine in the background."""
        began = time.time()
        call = self.accel.begin(*words, "--detach")
        engine = eventually(lambda: engine_of(call) or call.poll() is not None, "an engine is started")
        if not isinstance(engine, psutil.Process):
            raise RuntimeError(f"accel {words[0]} ended with {call.returncode}: {''.join(call.communicate())}")
        return Attempt(call, engine.pid, began)

    def killed(self, run: RunFolder, attempt: Attempt) -> bool:
        """Kill and look at what is left; False where the run was at its end."""
        send(attempt.pid, signal.SIGKILL)
        attempt.call.communicate()
        eventually(lambda: not psutil.pid_exists(attempt.pid), "the engine is gone")
        if state(run) == "FINISHED":
            return False
        self.fell[killed_at(run, attempt.began)] += 1
        self.look_at(run, attempt, crashed=True)
        return True

    def look_at(self, run: RunFolder, attempt: Attempt, crashed: bool) -> None:
        """Whether the attempt went on from where it had to, and has left nothing spoilt."""
        self.failures += [f"{run.name}, kill {self.fell.total()}: {said}" for said in wrong(run, self.accel, crashed)]
        for event in JsonlReader(run.events).catch_up():
            if event["kind"] == "resume" and event["time"] >= attempt.began:
                self.trained += 1
                self.starts = event["time"] - attempt.began
                if event["message"] != f"goes on from {attempt.goes_on_from}":
                    self.failures.append(f"{run.name} {event['message']}, not from {attempt.goes_on_from}")


def main() -> int:
    """Kill; exit code 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whoever ends this leaves no engine behind
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        accel = Detached(Path(folder))
        kills = Kills(accel, options.kills, options.seed)
        try:
            kills.go()
        finally:
            accel.kill_all()
    document = {
        "kills": kills.fell.total(),
        "seed": options.seed,
        "fell into": dict(kills.fell.most_common()),
        "resumes": kills.resumes,
        "resumes that trained before the next kill": kills.trained,
        "runs": kills.runs,
        "runs that ended as one that was not killed": kills.equal,
        "failures": kills.failures,
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))
    for what, count in kills.fell.most_common():
        print(f"{what:12s} {count:4d} kills")
    print(f"{kills.equal} of {kills.runs} runs ended as one that was not killed; {len(kills.failures)} failures")
    return 1 if kills.failures else 0


if __name__ == "__main__":
    sys.exit(main())
