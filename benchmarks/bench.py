"""A folder of runs for a benchmark: written ones, one that an engine trains, and dashboards that are open on them."""

import contextlib
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from detached import Detached, eventually, state
from histories import measured, stretched
from terminal import Terminal, text

from acceltui.runs.folder import RunFolder

ROOT = Path(__file__).parents[1]
SETTLED = 8.0
"""Seconds after the first picture from which on is counted: then also a slow line has had its second look."""
REAL = (
    "engine.threads=1",
    "engine.compile=never",
    "algorithm.random_steps=1000",
    "log.every=30",
    "evaluation.every=2000",
    "checkpoint.every=5000",
)
"""What brings more than a row a second from halfcheetah_pomdp on one thread; its budgets are as they are."""

BUDGET = 1_000_000
"""Steps of a long history: no two rows are at the same."""


class Bench:
    """A folder of runs, and what is open on them."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.accel = Detached(folder)
        self.folder, self.seconds = folder, seconds
        self.ends = contextlib.ExitStack()
        """What ends with the section."""
        self.raw: dict[str, Any] = {}
        """What the section has found."""
        own = {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_STATE_HOME": str(folder / "state")}
        self.accel.environment |= own | {"PYTHONPATH": str(ROOT)}

    def written(self, *options: str, root: Path | None = None) -> list[RunFolder]:
        """Runs that `fake_run` writes; it goes on in the background where `--live` is among the options."""
        root = root or self.accel.root
        writer = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/tui/fake_run.py"), str(root), *options],
            env=self.accel.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ends.callback(writer.terminate)
        assert writer.stdout is not None
        count = int(options[options.index("--runs") + 1]) if "--runs" in options else 1
        runs = [RunFolder(Path(path.strip())) for path in itertools.islice(writer.stdout, count)]
        if "--live" not in options:
            writer.wait()
        return runs

    def long(self, short: RunFolder, rows: int) -> RunFolder:
        """A finished run with a long history of what `short` has measured."""
        (run,) = self.written("--rows", "10", "--at", "1", "--state", "FINISHED", "--budget", str(BUDGET))
        with run.metrics.open("w") as file:
            for row in stretched(measured(short.metrics), rows, BUDGET):
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
        return run

    def real(self) -> RunFolder:
        """A run that an engine trains; after the first updates. It rests outside of the sections that ask for it."""
        run = self.accel.run("real")
        self.ends.callback(self.pause)
        if state(run) == "PAUSED":
            code, printed = self.accel.call("unpause", "real")
            assert code == 0, printed
            eventually(lambda: state(run) != "PAUSED", "the engine goes on")
        elif not run.path.exists():
            recipe = str(ROOT / "recipes/halfcheetah_pomdp.yaml")
            code, printed = self.accel.call("run", recipe, *REAL, "--name", "real", "--detach")
            assert code == 0, printed
            eventually(lambda: any("loss/clone" in row for row in measured(run.metrics)), "the engine trains")
        return run

    def pause(self) -> None:
        """Let the engine rest."""
        if state(self.accel.run("real")) != "PAUSED":
            code, printed = self.accel.call("pause", "real")
            assert code == 0, printed
            eventually(lambda: state(self.accel.run("real")) == "PAUSED", "the engine pauses")

    def attach(self, run: RunFolder, *options: str, keep: bool = True) -> Terminal:
        """`accel attach`."""
        where = ["--runs-dir", str(run.path.parent)]
        command = [sys.executable, "-m", "acceltui", "attach", run.name, *where, *options]
        terminal = Terminal(command, self.accel.environment, keep=keep)
        self.ends.callback(terminal.close)
        return terminal

    def watch(self, runs: dict[str, tuple[RunFolder, str]], keys: str = "") -> dict[str, dict[str, float]]:
        """What a dashboard on each of the runs sends and uses while nobody touches a key, but `keys` before that."""
        opened = {name: self.attach(run, *options.split()) for name, (run, options) in runs.items()}
        for terminal in opened.values():
            terminal.shows(lambda screen: "4 Events" in text(screen), "the dashboard")
            if keys:
                terminal.press(keys)
        time.sleep(SETTLED)
        rows = {name: len(measured(run.metrics)) for name, (run, _) in runs.items()}
        before = {name: (time.monotonic(), one.drawn, one.cpu()) for name, one in opened.items()}
        time.sleep(self.seconds)
        found = {}
        for name, one in opened.items():
            began, drawn, cpu = before[name]
            took = time.monotonic() - began
            found[name] = {
                "bytes a second": (one.drawn - drawn) / took,
                "busiest second": max(one.by_second(began), default=0),
                "share of a core": (one.cpu() - cpu) / took,
                "rows a second": (len(measured(runs[name][0].metrics)) - rows[name]) / took,
                "rss": psutil.Process(one.process.pid).memory_info().rss,
            }
            assert one.leave() == 0
        return found
