"""The replay gives back exactly what actors saw, as much of it as it promises, and nothing else."""

import collections
import itertools
import math

import numpy as np
import pytest
import torch
from counting_env import HEIGHT, WIDTH, counting_envs
from engine_recipes import plain_spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from witness import CPU, Witness, key_of, keys_of

from acceltui.engine.envs.gymnasium_env import make_env
from acceltui.engine.envs.vector import GymnasiumVector
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


@pytest.mark.parametrize("window", [1, 4, 9])
@pytest.mark.parametrize(("past", "pictures"), [(True, False), (False, True), (True, True)])
def test_sampled_windows_hold_the_pictures_and_the_past_that_the_actor_saw(
    window: int, past: bool, pictures: bool
) -> None:
    witness = Witness(counting_envs(*SHORT, pictures=pictures), window, capacity=45, past=past)
    for steps in (6, 14, 100):
        witness.play(steps)
        assert is_suffix_of_each(witness, witness.drawn())
        seen = witness.interaction.windows
        assert (seen.past is not None, seen.image is not None) == (past, pictures)
    witness.interaction.replay = witness.replay.newest(30, capacity=30)
    witness.play(3)
    assert is_suffix_of_each(witness, witness.drawn())


def test_an_actor_sees_the_first_observation_repeated_at_an_episodes_start() -> None:
    witness = Witness(counting_envs([2, 9]), window=4, capacity=50)
    witness.play(5)
    steps = [[key_of(frame)[1:] for frame in witness.moments[key].window.state[0]] for key in witness.histories[0]]
    assert steps == [
        [(0, 0), (0, 0), (0, 0), (0, 0)],
        [(0, 0), (0, 0), (0, 0), (0, 1)],
        [(1, 0), (1, 0), (1, 0), (1, 0)],
        [(1, 0), (1, 0), (1, 0), (1, 1)],
        [(1, 0), (1, 0), (1, 1), (1, 2)],
    ]


def test_an_actor_sees_what_led_to_each_observation_and_nothing_from_before_the_episode() -> None:
    witness = Witness(counting_envs([2, 9]), window=3, capacity=50, past=True)
    witness.play(5)
    actions = [witness.moments[key].action[0].item() for key in witness.histories[0]]
    told = []
    for key in witness.histories[0]:
        past = witness.moments[key].window.past
        assert past is not None
        told.append((past.actions[0, :, 0].tolist(), past.rewards[0].tolist(), past.padded[0].tolist()))
    assert told == [
        ([0, 0, 0], [0, 0, 0], [True, True, False]),
        ([0, 0, actions[0]], [0, 0, 1], [True, False, False]),
        ([0, 0, 0], [0, 0, 0], [True, True, False]),
        ([0, 0, actions[2]], [0, 0, 3], [True, False, False]),
        ([0, *actions[2:4]], [0, 3, 4], [False, False, False]),
    ]


@pytest.mark.parametrize("lengths", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("run", [1, 8])
def test_all_transitions_are_drawn_equally_often(run: int, lengths: tuple) -> None:
    """Those at an episode's ends, which few runs reach, no less than others."""
    witness = Witness(counting_envs(*lengths), window=1, capacity=90)
    witness.play(300)
    batch = witness.replay.sample(witness.replay.size * 400, np.random.default_rng(0), run=run)
    counts = collections.Counter(keys_of(batch.windows))
    assert len(counts) == witness.replay.size
    assert all(abs(count - 400) < 5 * math.sqrt(400) for count in counts.values())


@pytest.mark.parametrize("newest", [None, 30])
def test_a_run_is_of_windows_that_follow_each_other_in_an_episode(newest: int | None) -> None:
    witness = Witness(counting_envs(*SHORT, pictures=True), window=4, capacity=90)
    witness.play(100)
    batch = witness.replay.sample(400, np.random.default_rng(0), newest, run=5)
    drawn = witness.confirms(batch)
    assert newest is None or drawn <= witness.newest(newest)
    keys, image = keys_of(batch.windows), batch.windows.image
    assert len(keys) == 400 and image is not None
    runs = image.run_of[image.places[:, -1]].tolist()
    lengths = list(collections.Counter(runs).values())
    assert max(lengths) == 5 and 1 in lengths
    for (before, one), (after, other) in itertools.pairwise(zip(keys, runs, strict=True)):
        assert one != other or after == (*before[:2], before[2] + 1)


@pytest.mark.parametrize("run", [1, 6])
def test_each_distinct_picture_of_a_run_is_there_once(run: int) -> None:
    witness = Witness(counting_envs(*LONG, pictures=True), window=4, capacity=90)
    witness.play(100)
    image = witness.replay.sample(60, np.random.default_rng(0), run=run).windows.image
    assert image is not None
    image = image.distinct()
    shown = [
        (run_of, picture.flatten().tolist())
        for run_of, picture in zip(image.run_of.tolist(), image.frames, strict=True)
    ]
    assert all(shown.count(one) == 1 for one in shown)
    # Runs of 6 windows of 4 have 9 pictures, in place of 24.
    assert len(image.frames) <= (60 * 4 if run == 1 else 60 * 4 / 2)


def test_time_limits_are_not_terminations_and_lead_to_the_final_observation() -> None:
    """In Pendulum no episode ends by itself, and the next angle follows from the next speed, but not after a reset."""
    makers = [
        lambda limit=limit: make_env(GymnasiumEnv(id="Pendulum-v1", episode_steps=limit)) for limit in (7, 11, 13)
    ]
    envs = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    spaces = plain_spaces(state=3, action=1)
    replay = Replay(150, 3, spaces, window=5, device=CPU)
    interaction = Interaction(GymnasiumVector(envs, spaces, CPU), 5, CPU, replay)
    interaction.reset(seed=0)
    generator = torch.Generator().manual_seed(0)
    ended = [end for _ in range(200) for end in interaction.step(torch.rand(3, 1, generator=generator) * 2 - 1)]
    batch = replay.sample(5_000, np.random.default_rng(0))

    assert len(ended) == 200 // 7 + 200 // 11 + 200 // 13
    assert batch.terminated.sum() == 0
    cos, sin, speed = torch.cat((batch.windows.state, batch.next_windows.state[:, -1:]), dim=1).unbind(dim=2)
    turned = torch.remainder(torch.atan2(sin, cos).diff(dim=1) - speed[:, 1:] * 0.05 + math.pi, 2 * math.pi) - math.pi
    repeated = (batch.windows.state.diff(dim=1) == 0).all(dim=2)
    assert repeated.any() and not repeated.all()
    assert turned[:, :-1][~repeated].abs().max() < 1e-4
    assert turned[:, -1].abs().max() < 1e-4


@pytest.mark.parametrize("window", [1, 10])
@pytest.mark.parametrize(
    ("num_envs", "asked", "capacity"), [(1, 100, 100), (1, 1_000, 1_000), (3, 300, 300), (4, 404, 404), (3, 305, 303)]
)
def test_capacity_counts_transitions(window: int, num_envs: int, asked: int, capacity: int) -> None:
    """Each environment has the same share, so that what is left of the division is not used."""
    witness = Witness(counting_envs(*[[50]] * num_envs), window, asked)
    assert witness.replay.capacity == capacity
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
@pytest.mark.parametrize("state", [8, 17])
def test_an_observation_is_stored_once(state: int, capacity: int) -> None:
    """A window of ten costs no more than one frame: observation, action, reward and four bytes of flags."""
    replay = Replay(capacity, 1, plain_spaces(state, action=6), window=10, device=CPU)
    assert replay.nbytes / capacity <= 1.1 * (4 * (state + 6 + 1) + 4)


def test_a_picture_is_stored_once_and_in_bytes() -> None:
    capacity, state, action = 20_000, 9, 4
    replay = Replay(capacity, 2, plain_spaces(state, action, (3, 64, 64)), window=3, device=CPU)
    assert replay.nbytes / capacity <= 1.05 * (3 * 64 * 64 + 4 * (state + action + 1) + 4)


def test_twenty_thousand_pictures_of_128_by_128_fit_in_a_gigabyte() -> None:
    assert Replay.bytes_for(20_000, 1, plain_spaces(0, 8, (3, 128, 128)), window=10) < 1.1e9


@pytest.mark.parametrize("window", [1, 10])
@pytest.mark.parametrize(("num_envs", "capacity"), [(1, 1), (1, 100), (3, 305)])
@pytest.mark.parametrize("image", [None, (3, HEIGHT, WIDTH)], ids=["numbers", "pictures"])
def test_the_memory_a_replay_will_take_is_known_before(
    image: tuple[int, int, int] | None, num_envs: int, capacity: int, window: int
) -> None:
    spaces = plain_spaces(state=5, action=2, image=image)
    replay = Replay(capacity, num_envs, spaces, window, CPU)
    assert Replay.bytes_for(capacity, num_envs, spaces, window) == replay.nbytes
