"""Writes a run folder as an engine would, without training: for tests, pictures and measurements.

    python tests/tui/fake_run.py RUNS_DIR [--runs 1] [--rows 20000] [--at 0.7] [--state RUNNING] [--live SECONDS]

Runs of two stages with all metrics and events; with `--live` they go on for that many seconds, beat each second and
obey commands.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from acceltui.runs.commands import CommandInbox
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import own_start
from acceltui.runs.metrics import MetricsWriter
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, this_host, write_status

RECIPE = """version: 1
name: halfcheetah_pomdp
seed: 1
env: {kind: gymnasium, id: HalfCheetah-v5, hide: velocities}
accelerator: {kind: lstm, context: 10, hidden: 64, replay: 100000, steps: 75000}
online: {replay: 20000, steps: 75000}
"""
RULE_DETAIL = (
    "best transformer/return 1,911.0, 3 evaluations without a gain; fires after 2 more that stay below 1,955.8"
)


@dataclass
class FakeRun:
    """One run: `rows` rows over the whole budget of `budget` steps, the switch at `switch` of it."""

    folder: RunFolder
    rows: int = 300
    budget: int = 150_000
    switch: float = 0.35
    seed: int = 0
    health: tuple[str, ...] = ()
    host: str = field(default_factory=this_host)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.metrics = MetricsWriter(self.folder.metrics, 1)
        self.events = EventWriter(self.folder.events)
        self.every = self.budget // self.rows
        self.switch_step = int(self.switch * self.budget) // self.every * self.every
        self.row = 0
        self.latest: dict[str, float] = {}
        self.folder.resolved.write_text(RECIPE)
        self.events.append("start", "engine 0.1.0 on cpu, 2 threads, precision highest", step=0)
        self.events.append("random", "a random policy returns -284 (5 episodes)", step=0)

    @property
    def step(self) -> int:
        return self.row * self.every

    @property
    def stage(self) -> str:
        return "accelerate" if self.step < self.switch_step else "online"

    def advance(self) -> None:
        """Write one more row, and what else happens at that step."""
        before, self.row = self.stage, self.row + 1
        values = dict(self._values())
        self.latest |= values
        self.metrics.append(self.step, self.stage, values)
        if self.stage != before:
            why = f"stage online from step {self.step:,}: plateau 5/5, best 3,214"
            self.events.append("switch", why, step=self.step, by="plateau")
        if self.step % 25_000 < self.every:
            self.events.append("checkpoint", f"wrote {self.step:010d}-1 (periodic)", step=self.step)

    def _values(self) -> Iterator[tuple[str, float]]:
        done = self.step / self.budget
        yield (
            "loss/critic",
            40 * np.exp(-3 * done) + self.random.gamma(2.0, 3.0) + 8 * (self.stage == "online") * (done < 0.4),
        )
        yield "loss/actor", -60 * done**0.6 - self.random.normal(0, 2)
        yield "value/mean", 60 * done**0.6
        yield "entropy/policy", 4.2 - 5 * done**0.5
        yield "grad/critic", 6 * np.exp(-2 * done) + 1.5
        yield "grad/actor", 0.4 + 0.2 * done
        for part, share in self._shares().items():
            yield f"speed/share/{part}", share
        yield "speed/steps", self._speed()
        yield "speed/updates", 0.98 * self._speed()
        if self.stage == "accelerate":
            yield "loss/clone", 0.5 * np.exp(-12 * done) * self.random.lognormal(0, 0.15) + 0.004
            yield "grad/clone", 0.8 * np.exp(-6 * done) + 0.05
        if self.step // 5_000 > (self.step - self.every) // 5_000:
            yield from self._evaluation(done)

    def _evaluation(self, done: float) -> Iterator[tuple[str, float]]:
        best = 3400 * (1 - np.exp(-7 * done)) - 284
        for name, value in (
            ("accelerator", best),
            ("transformer", best * 0.93 - 400 * np.exp(-9 * done) + 1500 * max(done - 0.4, 0)),
        ):
            if name == "accelerator" and self.stage == "online":
                continue
            yield f"{name}/return", value + self.random.normal(0, 120)
            yield f"{name}/std", abs(self.random.normal(260, 60))
            yield f"{name}/episodes", 5

    def _source(self) -> str:
        return "replay" if self.stage == "accelerate" else ""

    def _shares(self) -> dict[str, float]:
        cloning = 0.17 if self.stage == "accelerate" else 0.0
        rest = {"environment": 0.06, "cloning": cloning, "evaluation": 0.13, "saving": 0.01, "idle": 0.03}
        return {"update": 1 - sum(rest.values()), **rest}

    def _speed(self) -> float:
        return (142 if self.stage == "accelerate" else 58) * self.random.normal(1, 0.03)

    def beat(self, state: str = "RUNNING", **changes: Any) -> None:
        """Write the status, by default as this living process's."""
        first = min(self.step, self.switch_step)
        online = self.step - first
        status = {
            "state": state,
            "stage": self.stage,
            "step": self.step,
            "pid": os.getpid(),
            "pid_started": own_start(),
            "host": self.host,
            "run": self.folder.name,
            "progress": self._progress(first, online),
        }
        write_status(self.folder, Status(**(status | changes)))

    def _progress(self, first: int, online: int) -> dict[str, Any]:
        capacity = 100_000 if self.stage == "accelerate" else 20_000
        return {
            "accelerate": {"steps": first, "of": self.budget // 2},
            "online": {"steps": online, "of": self.budget // 2},
            "eta_s": (self.budget - self.step) / self.latest.get("speed/steps", 100),
            "switch_step": self.switch_step if self.stage == "online" else None,
            "rule": "plateau 3/5" if self.stage == "accelerate" else "",
            "rule_detail": RULE_DETAIL if self.stage == "accelerate" else "",
            "health": list(self.health),
            "time": {part: share * 1e-2 * self.step for part, share in self._shares().items()},
            "replay": {"size": min(self.step, capacity), "capacity": capacity},
            "windows": {"size": min(self.step, 50_000), "capacity": 50_000, "from": self._source()},
            "speed": {"steps": self.latest.get("speed/steps", 0.0), "updates": self.latest.get("speed/updates", 0.0)},
            "evaluating": False,
            "paused": False,
            "machine": {"cpu": 99.0 + self.random.integers(-3, 3), "rss": 1.42e9, "disk_free": 211e9, "gpu": ""},
            "checkpoint": {"step": self.step // 25_000 * 25_000, "time": time.time() - 300, "name": "x"}
            if self.step > 25_000
            else None,
            "steps": {"evaluation": self.step // 6, "clone": 0, "total": self.step + self.step // 6},
            "latest": self.latest,
            "method": "accelerated",
            "random_return": -284.0,
            "best_return": self.latest.get("transformer/return"),
        }


def make_run(
    root: Path,
    *,
    rows: int = 300,
    budget: int = 150_000,
    at: float = 0.7,
    state: str = "RUNNING",
    name: str | None = None,
    **changes: Any,
) -> FakeRun:
    """A run folder in which the share `at` of the budget is done."""
    run = FakeRun(create_run_folder(root, "halfcheetah_pomdp", 1, name=name), rows=rows, budget=budget)
    while run.row < at * rows:
        run.advance()
    run.folder.log.write_text("".join(f"step {step}: all well\n" for step in range(0, run.step, 1000)))
    run.beat(state, **changes)
    return run


def live(run: FakeRun, seconds: float, rows_per_second: float) -> None:
    """Go on for a while: rows, heartbeats, answers to commands."""
    inbox, state, start, next_beat, next_row = CommandInbox(run.folder), "RUNNING", time.time(), 0.0, 0.0
    while (now := time.time() - start) < seconds:
        for command in inbox.poll():
            inbox.ack(command, "taken", step=run.step)
            state = {"pause": "PAUSED", "unpause": "RUNNING"}.get(command.kind, state)
            run.events.append("command", f"{command.kind} done", step=run.step, by=command.by)
            if command.kind == "switch":
                run.switch_step = run.step + run.every
            inbox.ack(command, "done", step=run.step)
        if now >= next_row and state == "RUNNING":
            run.advance()
            next_row += 1 / rows_per_second
        if now >= next_beat:
            run.beat(state)
            next_beat = now + 1
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--budget", type=int, default=150_000)
    parser.add_argument("--at", type=float, default=0.7)
    parser.add_argument("--state", default="RUNNING")
    parser.add_argument("--live", type=float, default=0.0)
    parser.add_argument("--rows-per-second", type=float, default=0.3)
    parser.add_argument("--host", default=this_host())
    options = parser.parse_args()
    wanted = {name: getattr(options, name) for name in ("rows", "budget", "at", "state", "host")}
    names = [f"fake-{os.getpid()}-{number}" for number in range(options.runs)] if options.runs > 1 else [None]
    runs = [make_run(options.root, name=name, **wanted) for name in names]
    for run in runs:
        run.host = options.host
    print(*(run.folder.path for run in runs), sep="\n", flush=True)
    if options.live:
        with ThreadPoolExecutor(len(runs)) as pool:
            list(pool.map(lambda run: live(run, options.live, options.rows_per_second), runs))


if __name__ == "__main__":
    main()
