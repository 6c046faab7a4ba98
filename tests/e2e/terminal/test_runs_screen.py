"""The list of runs in a real terminal: a fork of a real run, and attaching to it."""

from contextlib import closing

from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.paths import list_runs
from acceltui.runs.status import read_status
from acceltui.runs.wording import value
from tests.e2e.conftest import ACCEL, Runs, eventually
from tests.e2e.terminal.screen import Terminal

MARK = "\u203a"
QUICK = (
    "engine.threads=1",
    "env.num_envs=2",
    "algorithm.random_steps=100",
    "algorithm.batch_size=32",
    "accelerator.steps=100000",
    "switch=null",
    "evaluation.every=200",
    "evaluation.episodes=2",
    "evaluation.num_envs=2",
    "checkpoint.every=100",
    "log.every=100",
)


def test_a_fork_with_a_change_is_started_from_the_list(runs: Runs) -> None:
    """`R`, `f`, an older checkpoint, a value, a name, Enter: a real engine, listed; Enter again shows it."""
    origin = runs.start(*QUICK)
    eventually(lambda: len(list(origin.checkpoints.glob("*/manifest.json"))) >= 3, 60)
    assert runs.call("stop").returncode == 0
    stopped = eventually(lambda: (s := read_status(origin)) and s.state == "STOPPED" and s, 30)
    evaluated = [row["transformer/return"] for row in JsonlReader(origin.metrics).poll() if "transformer/return" in row]
    assert stopped.progress["best_return"] == max(evaluated)

    with closing(Terminal([*ACCEL, "attach"], runs.folder)) as terminal:
        terminal.wait_for("STOPPED on request", 10)
        terminal.press("R")
        terminal.wait_for(lambda: value(max(evaluated)) in line_with(terminal, "pendulum_quick s1"), 10)
        assert "1, 0 running" in terminal.text
        terminal.press("f")
        terminal.wait_for("key=value", 10)
        terminal.wait_for(f"{stopped.step:,}", 10)
        terminal.press("\x1b[B")
        # Without checkpoints every moment, so that where it comes from stays in sight.
        terminal.press("checkpoint.every=100_000 accelerator.learning_rate=0.002\t")
        terminal.wait_for("=0.002", 10)
        terminal.press("forked\r")
        terminal.wait_for("forked runs from step", 90)
        terminal.wait_for(lambda: "RUNNING" in line_with(terminal, f"{MARK}  forked"), 30)

        fork = list_runs(runs.folder / "runs")[0]
        assert fork.name == "forked"
        (event,) = runs.events("fork")
        assert set(event["changes"]) == {"checkpoint.every=100000", "accelerator.learning_rate=0.002"}
        assert 0 < event["step"] < stopped.step
        eventually(lambda: runs.step() > event["step"], 60)
        terminal.press("\r")
        terminal.wait_for(f"accel {MARK} forked", 10)
        terminal.wait_for("forked from pendulum_quick-s1-", 10)


def line_with(terminal: Terminal, text: str) -> str:
    """The first line of the screen that has a text; empty where none has."""
    return next((line for line in terminal.screen.display if text in line), "")
