"""`accel` comes at once, and loads nothing that a question for help does not need."""

import os
import signal
import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "textual", "gymnasium", "mujoco", "yaml", "psutil", "rich"}


@pytest.mark.parametrize(
    "words",
    [["--help"], ["run", "--help"], ["--version"], ["recipes", "--help"], ["tag", "--help"], ["sweep", "--help"]],
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys, contextlib\nfrom acceltui.cli import main\n"
        f"sys.argv = ['accel', *{words!r}]\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    loaded = set(done.stderr.split())
    assert HEAVY.isdisjoint(loaded)
    # Typer itself reads the arguments of a command with pydantic.
    assert "pydantic" not in loaded or not words[0].startswith("-")


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "acceltui", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("accel ")


@pytest.mark.parametrize("words", [["fly"], ["run"], ["ls", "--jsn"], ["log", "-n", "many"], ["evaluate", "--no-wait"]])
def test_a_wrong_call_exits_with_2(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "acceltui", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_a_closed_pipe_ends_it_quietly_and_as_no_failed_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "acceltui", "schema"]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == -signal.SIGPIPE
    assert done.stderr == ""
