"""Run folders that another process keeps alive without training, and terminals on them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from tests.e2e.conftest import ACCEL
from tests.e2e.terminal.screen import Terminal

FAKE_RUN = Path(__file__).parents[2] / "tui" / "fake_run.py"


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RunFolder]]:
    """Starts a process that writes a run as an engine would, with heartbeats and answers to commands."""
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path / "runs"))
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> RunFolder:
        command = [sys.executable, str(FAKE_RUN), str(tmp_path / "runs"), "--live", "300", *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        return RunFolder(Path(started[-1].stdout.readline().strip()))

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def terminal_on(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals on a run, by default on the newest, and closes them."""
    opened: list[Terminal] = []

    def start(*words: str, columns: int = 120, rows: int = 40, **environment: str | None) -> Terminal:
        command = [*ACCEL, "attach", *words]
        opened.append(Terminal(command, tmp_path, columns=columns, rows=rows, environment=environment))
        opened[-1].wait_for("RUNNING", 20)
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
