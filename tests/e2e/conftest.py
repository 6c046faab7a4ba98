"""Real runs of the shipped pendulum recipe, in a runs folder of the test's own, ended with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import list_runs
from acceltui.runs.status import read_status

ACCEL = [sys.executable, "-m", "acceltui"]


class Runs:
    """The command line in a folder where `runs/` is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def call(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """`accel WORDS`, without a terminal."""
        return subprocess.run(
            [*ACCEL, *words], cwd=self.folder, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )

    def start(self, *overrides: str) -> RunFolder:
        """A run in the background."""
        done = self.call("run", "pendulum_quick", "--detach", *overrides)
        assert done.returncode == 0, done.stderr
        return self.newest()

    def newest(self) -> RunFolder:
        """The run started last."""
        return list_runs(self.folder / "runs")[0]

    def step(self) -> int:
        """Training steps of the newest run so far."""
        status = read_status(self.newest())
        assert status is not None
        return status.step

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of one kind of the newest run."""
        lines = self.newest().events.read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def kill_engines(self) -> None:
        """End every engine with its children, whatever state it is in."""
        for run in list_runs(self.folder / "runs"):
            if (status := read_status(run)) and status.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(status.pid, signal.SIGKILL)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """An empty place to run in."""
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path / "runs"))
    here = Runs(tmp_path)
    yield here
    here.kill_engines()


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """The first true value of `condition`; AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return value
