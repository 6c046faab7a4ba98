"""`accel status --watch`: in place on a terminal, lines elsewhere, until the run ends."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from calling import Accel

from acceltui.cli import watch
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import read_status

Serving = Callable[[str], RunFolder]
Write = Callable[[str], Path]


def kill(run: RunFolder) -> None:
    status = read_status(run)
    assert status is not None and status.pid is not None
    os.kill(status.pid, signal.SIGKILL)


def read_until(terminal: int, wanted: bytes, data: bytes = b"") -> bytes:
    """All that comes until `wanted` is there; with nothing wanted, until the terminal is closed."""
    deadline = time.monotonic() + 60
    while not wanted or wanted not in data:
        assert time.monotonic() < deadline, data
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data += os.read(terminal, 65536)
            except OSError:
                return data
    return data


def test_on_a_terminal_it_is_redrawn_in_place(accel: Accel, serving: Serving, write_settings: Write) -> None:
    write_settings("notify: {osc9: true}")
    serving("serve")
    terminal, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    words = [sys.executable, "-m", "acceltui", "status", "--watch"]
    environment = {**os.environ, "TERM": "xterm", "ACCEL_RUNS": str(accel.folder / "runs"), "COLUMNS": "200"}
    with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        data = read_until(terminal, b"runs/run-a\r\n")
        accel("stop")
        data = read_until(terminal, b"", data)
        assert process.wait(60) == 0
    os.close(terminal)
    assert data.count(b"  folder ") == data.count(b"  returns ") == 1, "what has not changed is not written again"
    assert data.count(b"\x1b]9;accel: run-a STOPPED at step 1,000.\x07") == 1
    assert data.replace(b".\x07", b".").count(b"\x07") == 1
    screen = pyte.Screen(200, 24)
    pyte.ByteStream(screen).feed(re.sub(rb"\x1b\]9;[^\x07]*\x07", b"", data))
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert shown[0] == "run-a  STOPPED"
    assert [line.split()[0] for line in shown].count("stage") == 1


def test_long_and_wide_lines_do_not_wrap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((10, 4)))
    screen = watch.Screen()
    screen.draw("0123456789abc\n\u5168\u5168\u5168\u5168\u5168\u5168\n3\n4\n5")
    screen.draw("0123456789xyz\n2\n3")
    first, second = capsys.readouterr().out.split("3\n")
    assert first == "012345678\n\u5168\u5168\u5168\u5168\n"
    assert second == "\x1b[2A2\x1b[K\r\x1b[2B"


def test_without_a_terminal_lines_are_added(accel: Accel, serving: Serving) -> None:
    serving("serve")
    with accel.start("status", "--watch") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.match(r"\d\d:\d\d:\d\d RUNNING accelerate step 1,000/4,000 \(25%\)  transformer -120", line)
        accel("stop")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "run-a STOPPED at step 1,000.\n", "")


@pytest.mark.parametrize("form", ["--json", "--plain"])
def test_scripts_get_the_same_fields_in_each_line(accel: Accel, serving: Serving, form: str) -> None:
    run = serving("serve")
    with accel.start("status", "--watch", form, "--every", "1") as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        accel("stop")
        *_, last = process.communicate(timeout=60)[0].splitlines()
    if form == "--json":
        read = [json.loads(line) for line in (first, second, last)]
        assert [(one["run"], one["state"]) for one in read] == [("run-a", state) for state in TWICE_AND_STOPPED]
        assert read[0].keys() == json.loads(accel("status", "--json").stdout).keys()
    else:
        for line, state in zip((first, second, last), TWICE_AND_STOPPED, strict=True):
            assert line.split("\t")[:7] == ["run-a", state, "accelerate", "1000", "4000", "-120.5", "-80.25"]
        assert accel("status", run.name, "--plain").stdout.split("\t")[:7] == last.split("\t")[:7]
        assert accel("ls", "--plain").stdout.split("\t")[:7] == last.split("\t")[:7]


TWICE_AND_STOPPED = ["RUNNING", "RUNNING", "STOPPED"]


def test_an_interrupt_ends_the_watching_alone(accel: Accel, serving: Serving) -> None:
    run = serving("serve")
    with accel.start("status", "--watch", start_new_session=True) as process:
        assert process.stdout is not None
        assert "RUNNING" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"The engine goes on. To watch it: accel attach {run.name}" in err
    assert "RUNNING" in accel("status").stdout


def test_a_killed_engine_runs_no_hook_so_one_watcher_does(
    accel: Accel, serving: Serving, write_settings: Write
) -> None:
    """However many watch, and however they do it; who comes later finds it told."""
    told = accel.folder / "told"
    write_settings(f"notify: {{hook: 'echo $ACCEL_EVENT $ACCEL_RUN $ACCEL_STATE $ACCEL_MESSAGE >> {told}'}}")
    run = serving("serve")
    watchers = [accel.start("status", "--watch") for _ in range(2)] + [accel.start("attach")]
    for watcher in watchers:
        assert watcher.stdout is not None and watcher.stdout.readline()
    kill(run)
    for watcher in watchers:
        out, _ = watcher.communicate(timeout=60)
        assert watcher.returncode == 1
        assert out.endswith("run-a CRASHED at step 1,000: its process is gone; `accel log run-a` has its last words.\n")
    assert accel("status", "--watch").returncode == 1
    deadline = time.monotonic() + 60
    while not told.exists() or not told.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [line] = told.read_text().splitlines()
    assert line.startswith("crash run-a CRASHED run-a CRASHED at step 1,000: its process is gone;")


def test_an_old_crash_is_no_news(accel: Accel, serving: Serving, write_settings: Write) -> None:
    """Only who has seen the run living tells of its end."""
    run = serving("serve")
    kill(run)
    write_settings("notify: {hook: 'touch told'}")
    for words in (["status", "--watch"], ["attach"]):
        assert accel(*words).returncode == 1
    assert list(run.path.glob(".crash-told*")) == []


def test_wrong_calls_and_settings_are_one_sentence(accel: Accel, serving: Serving, write_settings: Write) -> None:
    serving("finish")
    for words in (["--every", "5"], ["--watch", "--every", "0.5"], ["--json", "--plain"]):
        done = accel("status", *words)
        assert (done.returncode, done.stdout) == (2, ""), words
    file = write_settings("notfy: {}")
    for words in (["status", "--watch"], ["run", "small.yaml"], ["resume"], ["settings"]):
        done = accel(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"{file}:1:1: notfy: unknown key; did you mean notify?\n"
    assert len(accel.runs) == 1, "nothing is made before that is known"
