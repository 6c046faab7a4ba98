"""Commands to a living engine, here a stand-in that answers as the real one does."""

import os
import signal
from collections.abc import Callable

import pytest
from calling import Accel

from acceltui.runs.folder import RunFolder
from acceltui.runs.status import read_status

Serving = Callable[[str], RunFolder]


@pytest.mark.parametrize("words", [["switch"], ["pause"], ["unpause"], ["checkpoint"], ["evaluate", "--now"], ["stop"]])
def test_each_key_has_a_twin(accel: Accel, serving: Serving, words: list[str]) -> None:
    serving("serve")
    done = accel(words[0], "run", *words[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"run-a: {words[0]} done at step 1,001\n"


def test_a_refusal_has_its_reason_and_exit_code_3(accel: Accel, serving: Serving) -> None:
    serving("refuse")
    done = accel("switch")
    assert (done.returncode, done.stdout) == (3, "")
    assert "run-a: switch refused: the stage is online already" in done.stderr


def test_what_nobody_takes_is_withdrawn(accel: Accel, serving: Serving) -> None:
    run = serving("deaf")
    done = accel("pause")
    assert done.returncode == 3
    assert "did not take the command" in done.stderr
    assert list(run.commands.iterdir()) == []


@pytest.mark.parametrize("how", ["crashed", "finished"])
def test_a_dead_engine_is_sent_nothing(accel: Accel, serving: Serving, how: str) -> None:
    run = serving("serve" if how == "crashed" else "finish")
    status = read_status(run)
    assert status is not None and status.pid is not None
    if how == "crashed":
        os.kill(status.pid, signal.SIGKILL)
    else:
        accel("attach")
    done = accel("stop")
    assert done.returncode == 3
    assert f"run-a is {how.upper()}" in done.stderr
    assert list(run.commands.iterdir()) == []


def test_an_engine_that_dies_over_a_command_is_not_waited_for(accel: Accel, serving: Serving) -> None:
    serving("die")
    done = accel("switch")
    assert done.returncode == 3
    assert "run-a is CRASHED: its engine ended over the command" in done.stderr


def test_no_wait_returns_when_it_is_taken(accel: Accel, serving: Serving) -> None:
    serving("serve")
    done = accel("evaluate", "--now", "--no-wait")
    assert done.returncode == 0
    assert "evaluate" in done.stdout
