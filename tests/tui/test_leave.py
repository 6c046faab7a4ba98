"""Leaving a real pseudo-terminal: by key, by signal, and when the line drops."""

import os
import pty
import select
import signal
import sys
import time

import pytest
from fake_run import make_run

from acceltui.tui import app

PROGRAM = """
import signal, sys
from pathlib import Path
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
from acceltui.runs.folder import RunFolder
from acceltui.tui.app import attach
line = attach(RunFolder(Path(sys.argv[1])), runs_root=Path(sys.argv[1]).parent)
if line is not None:
    print(line)
"""

FORCED = 128 + signal.SIGTERM
"""How it ends where it does not leave in time by itself."""


def start(run, how=""):
    pid, terminal = pty.fork()
    if pid == 0:
        environment = dict(os.environ, TERM="xterm-256color", LANG="C.UTF-8")
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM, str(run.folder.path), how], environment)
    return pid, terminal


def read_until(terminal, wanted):
    """What was written up to `wanted`, or to the end."""
    seen = b""
    while wanted is None or wanted not in seen:
        assert select.select([terminal], [], [], 60)[0], seen
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other side has closed
            data = b""
        if not data:
            break
        seen += data
    return seen


def exit_code(pid):
    for _ in range(600):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("it did not leave")


@pytest.mark.parametrize("by", ["q", signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_restored(tmp_path, by):
    run = make_run(tmp_path)
    pid, terminal = start(run)
    read_until(terminal, b"Detach")
    if by == "q":
        os.write(terminal, b"q")
    else:
        os.kill(pid, by)
    rest = read_until(terminal, None)
    assert exit_code(pid) == 0
    assert b"\x1b[?1049l" in rest and b"\x1b[?25h" in rest
    assert rest.rstrip().endswith(f"The engine goes on (RUNNING): accel attach {run.folder.name}".encode())


@pytest.mark.parametrize("how", ["", "deaf"])
def test_a_dropped_line_ends_it(tmp_path, how):
    """In order, or by force where Textual's input thread is caught at a bad moment; which of them is chance."""
    pid, terminal = start(make_run(tmp_path), how)
    read_until(terminal, b"Detach")
    os.close(terminal)
    assert exit_code(pid) in (0, FORCED)


def test_who_leaves_before_the_first_look_is_told_nevertheless(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    monkeypatch.setattr(app.AccelApp, "run", lambda _: None)
    monkeypatch.setattr(app, "terminal_is_there", lambda: True)
    assert app.attach(run.folder, runs_root=tmp_path) == f"The engine goes on (RUNNING): accel attach {run.folder.name}"
