"""The replay gives back exactly what actors saw, as much of it as it promises, and nothing else."""

import collections
import math

import numpy as np
import pytest
import torch
from counting_env import counting_envs
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from witness import Witness, key_of

from acceltui.engine.envs.gymnasium_env import make_env
from acceltui.engine.interaction import Interaction
from acceltui.engine.replay import Replay
from acceltui.recipe.schema import GymnasiumEnv

SHORT = ([3, 7], [5], [2, 11, 4])
"""Lengths of the episodes of three environments, which reset at different times and are shorter than some windows."""
LONG = ([50], [61, 83], [70])
"""Episodes of the length from which capacity is promised."""


def is_suffix_of_each(witness: Witness, drawn: set) -> bool:
    """Whether `drawn` has of each environment its newest transitions, without a gap."""
    counts = collections.Counter(number for number, _, _ in drawn)
    return all(set(history[-counts[number] :]) <= drawn for number, history in enumerate(witness.histories))


@pytest.mark.parametrize("window", [1, 4, 9])
@pytest.mark.parametrize("steps", [6, 14, 400], ids=["filling", "just-full", "overwritten-often"])
def test_sampled_windows_are_those_the_actor_saw(window: int, steps: int) -> None:
    witness = Witness(counting_envs(*SHORT), window, capacity=45)
    for _ in range(3):
        witness.play(steps)
        drawn = witness.drawn()
        assert is_suffix_of_each(witness, drawn)
        assert {history[-1] for history in witness.histories} <= drawn


def test_an_actor_sees_the_first_observation_repeated_at_an_episodes_start() -> None:
    witness = Witness(counting_envs([2, 9]), window=4, capacity=50)
    witness.play(5)
    steps = [[key_of(frame)[1:] for frame in witness.moments[key].window] for key in witness.histories[0]]
    assert steps == [
        [(0, 0), (0, 0), (0, 0), (0, 0)],
        [(0, 0), (0, 0), (0, 0), (0, 1)],
        [(1, 0), (1, 0), (1, 0), (1, 0)],
        [(1, 0), (1, 0), (1, 0), (1, 1)],
        [(1, 0), (1, 0), (1, 1), (1, 2)],
    ]


def test_all_transitions_are_drawn_equally_often() -> None:
    witness = Witness(counting_envs(*LONG), window=1, capacity=90)
    witness.play(300)
    batch = witness.replay.sample(90 * 400, np.random.default_rng(0))
    counts = collections.Counter(key_of(window[-1]) for window in batch.windows)
    assert counts.keys() == witness.newest(90)
    assert all(abs(count - 400) < 5 * math.sqrt(400) for count in counts.values())


def test_time_limits_are_not_terminations_and_lead_to_the_final_observation() -> None:
    """In Pendulum no episode ends by itself, and the next angle follows from the next speed, but not after a reset."""
    makers = [
        lambda limit=limit: make_env(GymnasiumEnv(id="Pendulum-v1", episode_steps=limit)) for limit in (7, 11, 13)
    ]
    envs = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    replay = Replay(150, num_envs=3, observation=3, action=1, window=5, device="cpu")
    interaction = Interaction(envs, 5, torch.device("cpu"), replay)
    interaction.reset(seed=0)
    generator = torch.Generator().manual_seed(0)
    ended = [end for _ in range(200) for end in interaction.step(torch.rand(3, 1, generator=generator) * 2 - 1)]
    batch = replay.sample(5_000, np.random.default_rng(0))

    assert len(ended) == 200 // 7 + 200 // 11 + 200 // 13
    assert batch.terminated.sum() == 0
    cos, sin, speed = torch.cat((batch.windows, batch.next_windows[:, -1:]), dim=1).unbind(dim=2)
    turned = torch.remainder(torch.atan2(sin, cos).diff(dim=1) - speed[:, 1:] * 0.05 + math.pi, 2 * math.pi) - math.pi
    repeated = (batch.windows.diff(dim=1) == 0).all(dim=2)
    assert repeated.any() and not repeated.all()
    assert turned[:, :-1][~repeated].abs().max() < 1e-4
    assert turned[:, -1].abs().max() < 1e-4


@pytest.mark.parametrize("window", [1, 10])
@pytest.mark.parametrize(("num_envs", "capacity"), [(1, 100), (1, 1_000), (3, 300), (4, 404)])
def test_capacity_counts_transitions(window: int, num_envs: int, capacity: int) -> None:
    witness = Witness(counting_envs(*[[50]] * num_envs), window, capacity)
    for step in range(1, 3 * capacity // num_envs):
        witness.play(1)
        assert witness.replay.size == min(step * num_envs, capacity)


@pytest.mark.parametrize("window", [2, 10])
def test_every_transition_that_is_counted_can_be_drawn(window: int) -> None:
    witness = Witness(counting_envs(*LONG), window, capacity=90)
    witness.play(333)
    assert witness.drawn() == witness.newest(90)
    witness.interaction.replay = witness.replay.newest(60, capacity=120)
    assert witness.drawn() == witness.newest(60)


@pytest.mark.parametrize("kept", [0, 2])
def test_a_replay_that_counts_transitions_can_be_sampled(kept: int) -> None:
    """As after a switch with `online.seed_replay` small, in an episode longer than the window."""
    witness = Witness(counting_envs([50]), window=10, capacity=100)
    witness.play(30)
    witness.interaction.replay = witness.replay.newest(kept, capacity=100)
    witness.play(4)
    assert witness.replay.size == kept + 4
    assert witness.drawn()


@pytest.mark.parametrize("newest", [3, 30, 90])
def test_newest_restricts_what_is_drawn(newest: int) -> None:
    witness = Witness(counting_envs(*LONG), window=6, capacity=300)
    witness.play(345)  # in the middle of all three episodes
    assert witness.drawn(newest) == witness.newest(newest)


@pytest.mark.parametrize(("count", "capacity"), [(0, 60), (60, 60), (90, 300), (300, 900), (300, 150)])
def test_newest_keeps_the_newest_and_goes_on_with_running_episodes(count: int, capacity: int) -> None:
    witness = Witness(counting_envs(*LONG), window=1, capacity=300)
    witness.play(345)
    before = witness.replay
    witness.interaction.replay = before.newest(count, capacity)
    kept = min(count, capacity)
    assert witness.replay.size == kept
    if kept:
        assert witness.drawn() == witness.newest(kept)
    assert before.size == 300

    witness.play(5)
    assert witness.drawn() == witness.newest(min(kept + 15, capacity))
    witness.play(500)
    assert witness.drawn() == witness.newest(capacity)


@pytest.mark.parametrize("window", [4, 9])
@pytest.mark.parametrize("lengths", [SHORT, LONG], ids=["short", "long"])
def test_windows_reach_back_over_the_change_of_replay(window: int, lengths: tuple) -> None:
    witness = Witness(counting_envs(*lengths), window, capacity=120)
    witness.play(345)
    witness.interaction.replay = witness.replay.newest(60, 60)
    for _ in range(4):
        witness.play(5)
        assert is_suffix_of_each(witness, witness.drawn())


def test_beginning_in_mid_episode_cuts() -> None:
    witness = Witness(counting_envs(*LONG), window=4, capacity=300)
    for _ in range(3):
        witness.play(10)
        witness.interaction.reset(seed=0)
    assert witness.replay.size == 90
    assert witness.drawn() == witness.newest(90)
    witness.play(1)
    assert {(0, 3, 0), (1, 3, 0), (2, 3, 0)} <= witness.drawn()


@pytest.mark.parametrize("capacity", [20_000, 100_000])
@pytest.mark.parametrize("observation", [8, 17])
def test_an_observation_is_stored_once(observation: int, capacity: int) -> None:
    """A window of ten costs no more than one frame: observation, action, reward and three bytes of flags."""
    replay = Replay(capacity, num_envs=1, observation=observation, action=6, window=10, device="cpu")
    assert replay.nbytes / capacity <= 1.1 * (4 * (observation + 6 + 1) + 3)
