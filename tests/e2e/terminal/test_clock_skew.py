"""A reader whose clock is an hour before or behind that of the engine's host, or of the file server."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from tests.e2e.terminal.screen import Terminal

ACCEL_LATER = [
    sys.executable,
    "-c",
    "import runpy, sys, time\n"
    "real, shift = time.time, float(sys.argv[1])\n"
    "time.time = lambda: real() + shift\n"
    "sys.argv = ['accel', *sys.argv[2:]]\n"
    "runpy.run_module('acceltui', run_name='__main__')",
]
"""No test may set the machine's clock: the reader's own `time.time` tells another time instead."""
BELOW_ZERO = re.compile(r"(?<![\w.])-\d+(\.\d+)?[smhd]\b")
HOUR = 3600


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_an_engine_of_another_host_is_judged_by_one_clock(
    living: Callable[..., RunFolder], tmp_path: Path, shift: int
) -> None:
    run = living("--host", "elsewhere")
    command = [*ACCEL_LATER, str(shift)]
    with closing(Terminal([*command, "attach", run.name], tmp_path)) as terminal:
        terminal.wait_for("4 Events", 20)
        assert "RUNNING" in terminal.screen.display[0] and "lag <3s" in terminal.screen.display[0]
        assert "100k, 5m ago" in terminal.text, "the newest checkpoint"
        terminal.press("p")
        terminal.wait_for("pause: done", 5)
        terminal.wait_for("PAUSED", 3)
        assert not BELOW_ZERO.search(terminal.text)
        terminal.press("R")
        terminal.wait_for("1 running", 10)
        assert not BELOW_ZERO.search(terminal.text)

    def told(*words: str) -> str:
        return subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "PAUSED" in told("ls") and not BELOW_ZERO.search(told("ls"))
    assert "heard <3s ago" in told("status")
    assert int(told("ls", "--plain").split("\t")[-1]) >= 0


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_a_file_servers_clock_is_not_that_of_this_host(
    living: Callable[..., RunFolder], terminal_on: Callable[..., Terminal], tmp_path: Path, shift: int
) -> None:
    run = living()
    for path in run.path.rglob("*"):
        stamp = path.stat().st_mtime + shift
        os.utime(path, (stamp, stamp))
    terminal = terminal_on(run.name)
    terminal.wait_for("4 Events", 5)
    assert "lag <3s" in terminal.screen.display[0]
    terminal.press("R")
    terminal.wait_for("1 running", 10)
    assert not BELOW_ZERO.search(terminal.text)
    plain = subprocess.run(
        [sys.executable, "-m", "acceltui", "ls", "--plain"], capture_output=True, text=True, check=True
    ).stdout.split("\t")
    assert "RUNNING" in plain
    assert int(plain[-1]) >= 0
