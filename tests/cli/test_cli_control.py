"""Commands to a living engine, here a stand-in that answers as the real one does."""

import json
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


KEYS = ["run", "kind", "id", "state", "reason", "step"]


def test_scripts_get_what_became_of_a_command(accel: Accel, serving: Serving) -> None:
    run = serving("serve")
    done = accel("checkpoint", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    outcome = json.loads(done.stdout)
    assert list(outcome) == KEYS
    assert (run.acks / f"{outcome.pop('id')}.json").exists()
    assert outcome == {"run": "run-a", "kind": "checkpoint", "state": "done", "reason": "", "step": 1001}
    assert accel("evaluate", "--now", "--plain").stdout == "run-a\tevaluate\tdone\t1001\t-\n"
    assert accel("pause", "--plain", "--json").returncode == 2


@pytest.mark.parametrize(
    ("engine", "state", "reason"),
    [
        ("refuse", "refused", "the stage is online already"),
        ("deaf", "withdrawn", "did not take the command"),
        ("die", "lost", "its engine ended over the command"),
        ("finish", "refused", "there is no engine to switch"),
    ],
)
def test_scripts_get_what_did_not_become_of_it(
    accel: Accel, serving: Serving, engine: str, state: str, reason: str
) -> None:
    serving(engine)
    if engine == "finish":
        accel("attach")
    done = accel("switch", "--json")
    outcome = json.loads(done.stdout)
    assert (done.returncode, list(outcome)) == (3, KEYS)
    assert outcome["state"] == state
    assert reason in outcome["reason"] and reason in done.stderr
    assert (outcome["id"] is None) == (engine == "finish")


def test_starting_twins_answer_scripts_too(accel: Accel) -> None:
    started = json.loads(accel("run", "small.yaml", "--name", "b", "--detach", "--json").stdout)
    assert (started["run"], started["path"]) == ("b", str(accel.folder / "runs" / "b"))
    for words in (["run", "small.yaml"], ["resume"], ["fork", "b"]):
        done = accel(*words, "--json")
        assert done.returncode == 2 and "--json goes with --detach" in done.stderr
    assert len(accel.runs) == 1
