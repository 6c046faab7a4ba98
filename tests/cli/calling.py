"""Calling `accel` in a process of its own, with a stand-in for the engine's process."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import process_start
from acceltui.runs.paths import list_runs
from acceltui.runs.status import read_status

RECIPE = """\
version: 1
name: small
env: {kind: gymnasium, id: Pendulum-v1}
accelerator: {kind: mlp, steps: 2_000}
online: {steps: 2_000, critic_warmup: 100, clone_fade: 100}
algorithm: {random_steps: 100}
evaluation: {every: 1_000}
"""
WITH_STAND_IN = Path(__file__).with_name("accel_with_stand_in.py")


@dataclass
class Accel:
    """Runs `accel` in `folder` with the stand-in engine behaving as told."""

    folder: Path

    def start(self, *words: str, engine: str = "finish", **options: object) -> subprocess.Popen[str]:
        environment = {key: value for key, value in os.environ.items() if key != "ACCEL_RUNS"}
        return subprocess.Popen(
            [sys.executable, str(WITH_STAND_IN), *words],
            cwd=self.folder,
            env={**environment, "STAND_IN": engine, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    def __call__(self, *words: str, engine: str = "finish") -> subprocess.CompletedProcess[str]:
        with self.start(*words, engine=engine) as process:
            out, err = process.communicate(timeout=60)
        assert not any(line.startswith("Traceback") for line in err.splitlines())
        assert {"\x1b", "\u202e"}.isdisjoint(out + err)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    @property
    def runs(self) -> list[RunFolder]:
        return list_runs(self.folder / "runs")


def end_engine(run: RunFolder) -> None:
    """Kill an engine that a test left running."""
    status = read_status(run)
    if status is not None and status.pid is not None and status.pid != os.getpid():
        try:
            if process_start(status.pid) == status.pid_started:
                psutil.Process(status.pid).kill()
        except psutil.NoSuchProcess:
            pass
