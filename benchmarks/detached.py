"""Runs in the background, started and resumed by the command line, for benchmarks that kill them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state
from acceltui.runs.status import read_status

SHORT = (
    "engine.threads=1",
    "env.num_envs=2",
    "env.keep=[0, 1]",
    "algorithm.random_steps=150",
    "algorithm.batch_size=32",
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
"""What makes pendulum_quick a run of seconds that saves many times a second; budgets are the caller's."""
PATIENCE = 180.0


class Detached:
    """The command line with a folder of runs, and a folder for temporary files, of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.temporary = folder / "runs", folder / "tmp"
        self.temporary.mkdir()
        own = {"ACCEL_RUNS": str(self.root), "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1"}
        self.environment = {**os.environ, **own}
        self._folder = folder

    def run(self, name: str) -> RunFolder:
        """Where the run of that name lies."""
        return RunFolder(self.root / name)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """`accel WORDS`, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "acceltui", *words],
            cwd=self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *words: str) -> tuple[int, str]:
        """`accel WORDS`: its exit code, and all that it printed."""
        process = self.begin(*words)
        printed = "".join(process.communicate(timeout=PATIENCE))
        return process.returncode, printed

    def processes(self) -> list[psutil.Process]:
        """All that were started by this command line, by whomever they were adopted since."""
        mine = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("ACCEL_RUNS") == str(self.root):
                    mine.append(process)
        return mine

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def state(run: RunFolder) -> str:
    """As `accel ls` says it."""
    status = read_status(run)
    return "" if status is None else observed_state(run, status)


def engine_of(call: subprocess.Popen[str]) -> psutil.Process | None:
    """The engine that a call of `accel run` or `accel resume` has started; None while there is none."""
    with contextlib.suppress(psutil.Error):
        return next(
            (child for child in psutil.Process(call.pid).children() if "acceltui.engine" in child.cmdline()), None
        )
    return None


def send(pid: int, number: signal.Signals, group: bool = True) -> None:
    """A signal to an engine and all processes it has started, as batch systems send it, or to it alone."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, number)


def eventually(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true value of `condition`; TimeoutError where there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return value


def leftovers(run: RunFolder) -> Iterator[str]:
    """What a run that has ended should not hold: temporary files, halves of checkpoints, frames that nobody names."""
    for path in run.path.rglob(".*"):
        yield str(path.relative_to(run.path))
    found = find_checkpoints(run)
    whole = {one.path for one in found}
    yield from (f"checkpoints/{path.name}" for path in run.checkpoints.glob("[!.]*") if path not in whole)
    named = {part["file"] for one in found for parts in one.manifest["replays"].values() for part in parts}
    yield from (f"replay/{path.name}" for path in run.replay.glob("[!.]*") if path.name not in named)
    yield from (f"commands/{path.name}" for path in run.commands.glob("[!.]*"))
