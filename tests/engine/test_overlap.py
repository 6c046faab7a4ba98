"""Environments in processes step while updates are computed; nothing is lost by it, and runs repeat."""

import contextlib
import multiprocessing
from typing import Any

import numpy as np
import pytest
import torch
from engine_recipes import small
from stepping import advance, vector
from torch import Tensor

from acceltui.engine.build import Parts
from acceltui.engine.replay import Replay


def story(replay: Replay) -> Tensor:
    """All that a replay tells of a sample that covers it."""
    batch = replay.sample(2_000, np.random.default_rng(0))
    return torch.cat(
        (batch.windows.state.flatten(1), batch.actions, batch.rewards[:, None], batch.next_windows.state.flatten(1)), 1
    )


def trained(steps: int, **changes: Any) -> tuple[Tensor, Tensor]:
    """The weights after both stages, and what the replay of stage online holds at the switch."""
    parts = Parts(small(**changes))
    with contextlib.closing(parts):
        stage = parts.accelerate()
        taken = advance(stage, steps)
        online = parts.switch(stage, taken)
        kept = story(online.learning.replay)
        advance(online, 40, after=taken)
        return vector(*parts.networks.values()), kept


RAISING = {"id": "raising_env:Raising-v0", "processes": True, "num_envs": 2}


@pytest.mark.filterwarnings("ignore:.*ERROR:UserWarning")
def test_an_environment_that_fails_says_why_and_the_end_adds_nothing() -> None:
    parts = Parts(small(env=RAISING))
    learning = parts.accelerate().learning
    with pytest.raises(RuntimeError, match="the simulator says no"), contextlib.closing(parts):
        for _ in range(4):
            learning.explore(at_random=True)
    assert not multiprocessing.active_children()


@pytest.mark.filterwarnings("ignore:.*ERROR:UserWarning")
def test_a_step_that_nobody_waits_for_may_fail() -> None:
    parts = Parts(small(env=RAISING))
    learning = parts.accelerate().learning
    for _ in range(3):
        learning.explore(at_random=True)
    parts.close()
    assert not multiprocessing.active_children()


def test_a_memory_begins_its_own_episodes_after_the_last_step_was_received() -> None:
    parts = Parts(small(env={"processes": True}, transformer={"memory": "episode", "positions": "rotary"}))
    with contextlib.closing(parts):
        stage = parts.accelerate()
        taken = advance(stage, 60)
        assert stage.learning.replay.size == 59
        online = parts.switch(stage, taken)
        assert online.learning.replay.size == 60
        advance(online, 20, after=taken)


def test_nothing_is_lost_of_what_was_not_received_yet() -> None:
    """Random actions alone: the same episodes here and elsewhere, up to the step before the switch."""
    same = {"algorithm": {"random_steps": 10_000}}
    here = trained(100, **same, env={"num_envs": 2, "episode_steps": 30})
    elsewhere = trained(100, **same, env={"num_envs": 2, "episode_steps": 30, "processes": True})
    assert torch.equal(here[1], elsewhere[1])


def test_a_run_with_processes_repeats() -> None:
    env = {"num_envs": 2, "processes": True, "episode_steps": 30}
    first, second = trained(160, env=env), trained(160, env=env)
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[0], trained(160, env=env | {"processes": False})[0]), "updates know a step less"


def test_a_step_is_begun_before_the_updates_and_received_after_them() -> None:
    parts = Parts(small(env={"processes": True}))
    with contextlib.closing(parts):
        learning = parts.accelerate().learning
        held = []
        for _ in range(3):
            learning.explore(at_random=True)
            held.append(learning.replay.size)
        assert held == [0, 1, 2]
        learning.interaction.receive()
        learning.interaction.receive()
        assert learning.replay.size == 3
