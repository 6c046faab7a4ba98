"""What is seen of sweeps: on a terminal, in scripts, in a list."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import pyte
from calling import WITH_STAND_IN, Accel
from sweeping import GRID, coordination, go, of, states, until
from test_cli_watch import read_until

from acceltui.runs.sweeps import is_coordinated


def test_an_interrupt_ends_the_watching_alone(accel: Accel) -> None:
    with accel.start(
        "sweep", *GRID, "--name", "on", "--workers", "1", engine="hold", start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert " running (0 of 4 finished, 1 running, 3 waiting, 0 failed)" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "The sweep goes on. To watch it: accel sweeps on; to end it: accel sweeps on --stop" in err
    assert is_coordinated(of(accel, "on"), coordination(of(accel, "on")))
    until(lambda: states(accel) == ["RUNNING"])
    go(accel)
    assert accel("sweeps", "on").returncode == 0


def test_scripts_get_a_line_for_each_change(accel: Accel) -> None:
    done = accel("sweep", *GRID, "--name", "told", "--json", engine="second")
    assert done.returncode == 1
    *changes, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {change["run"] for change in changes} == {run.name for run in accel.runs}
    ended = {(change["seed"], change["state"]) for change in changes if change["state"] != "running"}
    assert ended == {(1, "finished"), (2, "failed")}
    assert (last["state"], last["jobs"], last["finished"], last["failed"]) == ("over", 4, 2, 2)
    assert {job["reason"] for job in last["not_finished"]} == {"env.id: no such id"}


def test_on_a_terminal_a_table_is_redrawn_in_place(accel: Accel) -> None:
    terminal, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    words = [sys.executable, str(WITH_STAND_IN), "sweep", *GRID, "--name", "shown", "--workers", "2"]
    variables = {"STAND_IN": "hold", "TERM": "xterm", "COLUMNS": "160", "LINES": "24"}
    environment = {key: value for key, value in os.environ.items() if key != "ACCEL_RUNS"} | variables
    with subprocess.Popen(words, cwd=accel.folder, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        data = read_until(terminal, b"  RUNNING  ")
        while [line.split()[2:3] for line in shown(data)[3:5]] != [["RUNNING"]] * 2:
            data += os.read(terminal, 65536)
        first = shown(data)
        go(accel)
        data = read_until(terminal, b"", data)
        assert process.wait(60) == 0
    os.close(terminal)
    assert first[1] == "shown: 0 of 4 finished, 2 running, 2 waiting, 0 failed"
    assert first[2].split() == ["JOB", "STATE", "STAGE", "STEP", "TRANSFORMER", "ACCELERATOR", "LEFT"]
    assert first[3].split()[:5] == ["method=accelerated", "seed=1", "RUNNING", "accelerate", "1,000/4,000"]
    last = shown(data)
    assert [line.split()[2:5] for line in last[3:7]] == [["finished", "accelerate", "1,000/4,000"]] * 4, last
    assert last[-1] == "shown is over: 4 of 4 finished, 0 running, 0 waiting, 0 failed."
    assert len(last) == 8, "lines were added"


def shown(data: bytes) -> list[str]:
    screen = pyte.Screen(160, 24)
    pyte.ByteStream(screen).feed(data)
    return [line.rstrip() for line in screen.display if line.strip()]


def test_sweeps_are_listed_newest_first(accel: Accel) -> None:
    assert "No sweeps in" in accel("sweeps").stderr
    for seeds in ("2", "4"):
        assert accel("sweep", "small.yaml", "--seeds", seeds).returncode == 0
    heading, *lines = [line.split() for line in accel("sweeps").stdout.splitlines()]
    assert heading == ["NAME", "STATE", "FINISHED", "RUNNING", "WAITING", "FAILED", "AGE"]
    assert [line[:6] for line in lines] == [
        ["small-2", "over", "4/4", "0", "0", "0"],
        ["small", "over", "2/2", "0", "0", "0"],
    ]
    plain = [line.split("\t") for line in accel("sweeps", "--plain").stdout.splitlines()]
    assert [line[:8] for line in plain] == [
        ["small-2", "over", "4", "4", "0", "0", "0", "0"],
        ["small", "over", "2", "2", "0", "0", "0", "0"],
    ]
    assert len(accel.runs) == 4, "the results of the first were there for the second"


def test_a_second_call_watches_the_coordinator_that_is_there(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "once", "--detach", engine="hold")
    first = coordination(of(accel, "once")).pid
    again = accel("sweep", *GRID, "--name", "once", "--detach")
    assert (again.returncode, again.stdout) == (0, "once\n")
    assert coordination(of(accel, "once")).pid == first
    assert "Another coordinator" not in of(accel, "once").log.read_text()
    other = accel("sweep", *GRID, "--name", "once", "--workers", "3")
    assert (other.returncode, other.stderr) == (
        2,
        "The sweep once is running: --workers can change when it is stopped.\n",
    )
