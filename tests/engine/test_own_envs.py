"""The memory task and the image task that come with accel."""

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from acceltui.engine.envs import memory, shapes

EPISODES = 400
Policy = Callable[[list[np.ndarray]], Any]
"""From all observations of an episode so far to an action."""


def returns(env: gymnasium.Env, policy: Policy, episodes: int = EPISODES) -> tuple[np.ndarray, float]:
    """The return of each episode, and the share of episodes that end in success."""
    found, successes = [], 0
    for episode in range(episodes):
        seen, total, over = [env.reset(seed=episode)[0]], 0.0, False
        while not over:
            observation, reward, terminated, truncated, info = env.step(policy(seen))
            seen.append(observation)
            total, over = total + float(reward), terminated or truncated
        found.append(total)
        successes += info["success"]
    return np.array(found), successes / episodes


@pytest.mark.parametrize("name", ["accel/Recall-v0", "accel/RecallChoice-v0", "accel/Shapes-v0"])
def test_gymnasium_finds_nothing_wrong(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", ["accel/Recall-v0", "accel/RecallChoice-v0", "accel/Shapes-v0"])
def test_a_seed_fixes_an_episode(name: str) -> None:
    def episode(seed: int) -> list[np.ndarray]:
        env = gymnasium.make(name)
        env.action_space.seed(seed)
        seen, over = [env.reset(seed=seed)[0]], False
        while not over:
            observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
            seen.append(observation)
            over = terminated or truncated
        return seen

    np.testing.assert_array_equal(episode(3), episode(3))
    assert not np.array_equal(episode(3), episode(4))


def test_recall_needs_the_first_observation() -> None:
    env = gymnasium.make("accel/Recall-v0")
    perfect, always = returns(env, lambda seen: seen[0][2:])
    assert (perfect.max(), always) == (0.0, 1.0)
    assert perfect.min() == 0.0
    constant, seldom = returns(env, lambda seen: np.zeros(1, np.float32))
    assert constant.mean() == pytest.approx(-4 / 3, abs=0.15), "the best that a policy without memory can do"
    assert seldom == pytest.approx(memory.TOLERANCE, abs=0.06)
    latest, _ = returns(env, lambda seen: seen[-1][2:])
    assert latest.mean() == pytest.approx(constant.mean()), "what is shown at the time of the answer tells nothing"
    distracted, _ = returns(env, lambda seen: seen[: memory.DELAY + 1][-1][2:])
    assert distracted.mean() < constant.mean() - 0.5, "nor does what is shown last before it"


def test_recall_within_the_window_of_the_recipes() -> None:
    env = gymnasium.make("accel/Recall-v0")
    seen = [env.reset(seed=0)[0]]
    over = False
    while not over:
        assert seen[-memory.STEPS :][0][0] == 1, "a window of STEPS reaches back to the cue at each answer"
        observation, _, over, _, _ = env.step(np.zeros(1, np.float32))
        seen.append(observation)
    assert len(seen) == 1 + memory.STEPS
    assert [frame[1] for frame in seen[:-1]] == [0.0] * (1 + memory.DELAY) + [1.0] * memory.RECALL


def test_a_choice_is_recalled_too() -> None:
    env = gymnasium.make("accel/RecallChoice-v0")
    perfect, always = returns(env, lambda seen: int(seen[0][2:].argmax()))
    assert (perfect.min(), perfect.max(), always) == (memory.RECALL, memory.RECALL, 1.0)
    for choice in range(memory.CHOICES):
        constant, seldom = returns(env, lambda seen, choice=choice: choice)
        assert constant.mean() == pytest.approx(1.0, abs=0.3)
        assert seldom == pytest.approx(0.25, abs=0.08)
    distracted, _ = returns(env, lambda seen: int(seen[: memory.DELAY + 1][-1][2:].argmax()))
    assert distracted.mean() == pytest.approx(1.0, abs=0.3)


def centre(channel: np.ndarray) -> np.ndarray:
    """Where a shape is, read off the picture alone: (x, y) in [-1, 1]."""
    weights, pixels = channel / channel.sum(), np.arange(shapes.SIZE)
    return np.array([weights.sum(0) @ pixels, weights.sum(1) @ pixels]) / (shapes.SIZE - 1) * 2 - 1


def test_the_picture_tells_where_the_shapes_are() -> None:
    """A policy that reads the newest picture is as good as one that knows the places."""
    env = gymnasium.make("accel/Shapes-v0")
    task = env.unwrapped
    assert isinstance(task, shapes.Shapes)

    def read(seen: list[np.ndarray]) -> np.ndarray:
        step = centre(seen[-1][:, :, 0]) - centre(seen[-1][:, :, 1])
        return np.clip(step / shapes.SPEED, -1, 1).astype(np.float32)

    def known(seen: list[np.ndarray]) -> np.ndarray:
        return np.clip((task.square - task.disc) / shapes.SPEED, -1, 1).astype(np.float32)

    from_picture, successes = returns(env, read, episodes=50)
    optimal, _ = returns(env, known, episodes=50)
    assert successes == 1.0
    assert from_picture.mean() == pytest.approx(optimal.mean(), abs=0.1)
    chance = np.random.default_rng(0)
    at_random, seldom = returns(env, lambda seen: chance.uniform(-1, 1, 2).astype(np.float32), episodes=50)
    assert at_random.mean() < 4 * optimal.mean() and seldom < 0.2


def test_pictures_keep_their_shapes_whole() -> None:
    env = shapes.Shapes()
    pictures = [env.reset(seed=seed)[0] for seed in range(200)]
    assert pictures[0].shape == (shapes.SIZE, shapes.SIZE, 3) and pictures[0].dtype == np.uint8
    mass = np.array([picture.sum(axis=(0, 1), dtype=int) for picture in pictures])
    assert not mass[:, 2].any()
    # Nothing is cut off at the border.
    assert mass[:, 0] == pytest.approx(255 * (2 * shapes.RADIUS) ** 2, rel=0.05)
    assert mass[:, 1] == pytest.approx(255 * np.pi * shapes.RADIUS**2, rel=0.05)
