"""Where time goes, on a clock that the test sets."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_recipes import small
from resuming import start

import acceltui.engine.stopwatch as stopwatch_module
from acceltui.engine.stopwatch import Stopwatch
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder
from acceltui.runs.progress import PARTS


class Clock:
    now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path, "small", 1, name="run")


def test_each_second_is_of_one_part_and_what_is_none_is_idle(clock: Clock) -> None:
    watch = Stopwatch()
    clock.pass_by(1)
    watch.turn("environment")
    clock.pass_by(2)
    watch.turn("update")
    clock.pass_by(4)
    with watch.during("evaluation"):
        clock.pass_by(8)
        with watch.during("saving"):
            clock.pass_by(16)
        clock.pass_by(32)
    clock.pass_by(64)
    assert watch.read() == {
        "environment": 2,
        "update": 68,
        "cloning": 0,
        "evaluation": 40,
        "saving": 16,
        "idle": 1,
    }


def test_shares_are_of_the_time_since_they_were_asked_for_last(clock: Clock) -> None:
    watch = Stopwatch()
    watch.turn("update")
    clock.pass_by(100)
    assert watch.shares()["update"] == 1
    clock.pass_by(3)
    watch.turn("cloning")
    clock.pass_by(1)
    assert watch.shares() == dict.fromkeys(PARTS, 0) | {"update": 0.75, "cloning": 0.25}
    assert sum(watch.shares().values()) == 0


def test_a_run_counts_what_it_does_for_what_it_is(
    clock: Clock, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock on which nothing takes time but some calls, a second each."""
    run = start(folder, small(clone={"updates_per_step": 1}))
    stage = run.parts.begin()
    assert stage.cloning is not None
    learner, cloning = stage.learning.learner, stage.cloning.learner
    for place, name in (
        (stage.learning.interaction, "receive"),
        (learner, "update_critic"),
        (cloning, "update"),
        (run.evaluations, "measure"),
        (run.checkpoints, "save"),
    ):
        monkeypatch.setattr(place, name, taking_a_second(getattr(place, name), clock))
    run.measure_random()
    began = run.stopwatch.read()
    run.follow(stage, 60)
    run.save("command", stage)
    spent = {part: seconds - began[part] for part, seconds in run.stopwatch.read().items()}
    run.parts.close()
    assert spent["environment"] >= 60
    assert (spent["update"], spent["cloning"]) == (20, 20)
    assert spent["evaluation"] == 1
    assert spent["saving"] == 4, "two checkpoints, each of which ends a step first"
    assert spent["idle"] == 0


def taking_a_second(call: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    def slower(*arguments: Any, **named: Any) -> Any:
        clock.pass_by(1)
        return call(*arguments, **named)

    return slower
