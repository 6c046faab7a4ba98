"""Environments as the recipe describes them: what is seen, in which units actions are, what is refused."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from engine_recipes import small
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from gymnasium.vector import AsyncVectorEnv
from gymnasium.wrappers import FlattenObservation

from acceltui.engine.build import Parts
from acceltui.engine.envs.gymnasium_env import look_at_spaces, make_env, make_vector
from acceltui.engine.envs.vector import GymnasiumVector
from acceltui.engine.errors import SetupError
from acceltui.engine.imports import check_imports
from acceltui.recipe.schema import GymnasiumEnv


def section(id: str = "Pendulum-v1", **values: Any) -> GymnasiumEnv:
    return GymnasiumEnv(id=id, **values)


def play(env: gymnasium.Env, steps: int, seed: int = 0) -> np.ndarray:
    """Observations of random actions that `seed` fixes, (steps + 1, O), in float32 as policies see them."""
    generator = np.random.default_rng(seed)
    size = env.action_space.shape[0]  # type: ignore[index]
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        observation, _, terminated, truncated, _ = env.step(generator.uniform(-1, 1, size).astype(np.float32))
        seen.append(observation)
        if terminated or truncated:
            seen[-1] = env.reset()[0]
    return np.stack(seen).astype(np.float32)


def refusal(id: str, **values: Any) -> SetupError:
    with pytest.raises(SetupError) as caught:
        make_env(section(id, **values))
    return caught.value


@pytest.mark.parametrize(
    ("id", "skipped", "without_velocities", "without_positions"),
    [
        ("HalfCheetah-v5", 1, [*range(8)], [*range(8, 17)]),
        ("Hopper-v5", 1, [*range(5)], [*range(5, 11)]),
        ("Walker2d-v5", 1, [*range(8)], [*range(8, 17)]),
        ("Ant-v5", 2, [*range(13)], [*range(13, 105)]),
        ("Humanoid-v5", 2, [*range(22), *range(45, 175)], [*range(22, 45), *range(175, 348)]),
    ],
)
def test_hidden_parts_are_those_of_the_structure(
    id: str, skipped: int, without_velocities: list[int], without_positions: list[int]
) -> None:
    whole = play(make_env(section(id)), 5)
    positions, speeds = make_env(section(id, hide="velocities")), make_env(section(id, hide="positions"))
    seen = play(positions, 5), play(speeds, 5)
    assert np.array_equal(seen[0], whole[:, without_velocities])
    assert np.array_equal(seen[1], whole[:, without_positions])

    simulated = positions.unwrapped.data  # type: ignore[attr-defined]
    angles, velocities = simulated.qpos[skipped:], np.clip(simulated.qvel, -10, 10)
    assert np.array_equal(seen[0][-1, : len(angles)], angles.astype(np.float32))
    assert np.allclose(np.clip(seen[1][-1, : len(velocities)], -10, 10), velocities)


@pytest.mark.parametrize("id", ["Reacher-v5", "Pusher-v5", "InvertedDoublePendulum-v5", "Pendulum-v1"])
def test_where_no_structure_says_what_is_hidden_the_error_names_keep(id: str) -> None:
    error = refusal(id, hide="velocities")
    assert (error.kind, error.path) == ("environment", "env.hide")
    assert id in error.message
    assert "keep" in error.hint


def test_kept_entries_are_seen_in_the_order_given() -> None:
    whole = play(make_env(section()), 9)
    assert np.array_equal(play(make_env(section(keep=[2, 0])), 9), whole[:, [2, 0]])


def test_an_index_outside_the_observation_is_refused() -> None:
    error = refusal("Pendulum-v1", keep=[0, 3])
    assert error.path == "env.keep"
    assert "index 3" in error.message
    assert "0 to 2" in error.hint


def test_noise_has_its_deviation_and_repeats_with_the_seed() -> None:
    clean = play(make_env(section("HalfCheetah-v5")), 300)
    env = make_env(section("HalfCheetah-v5", observation_noise=0.3))
    noise = play(env, 300) - clean
    assert abs(noise.std() - 0.3) < 0.01
    assert abs(noise.mean()) < 0.02
    assert np.array_equal(play(env, 300) - clean, noise)
    assert not np.isclose(noise[0], env.reset(seed=1)[0] - make_env(section("HalfCheetah-v5")).reset(seed=1)[0]).any()


def test_noise_goes_on_from_episode_to_episode() -> None:
    env = make_env(section("HalfCheetah-v5", observation_noise=0.3, episode_steps=1))
    noise = np.diff(play(env, 200), axis=0)
    assert len(np.unique(noise, axis=0)) == 200


def test_a_lost_frame_shows_the_one_before() -> None:
    clean, shown = (play(make_env(section(drop_frames=drop)), 190) for drop in (0.0, 0.4))
    lost = (shown[1:] == shown[:-1]).all(axis=1)
    assert np.array_equal(shown[0], clean[0])
    assert np.array_equal(shown[1:][~lost], clean[1:][~lost])
    assert 0.25 < lost.mean() < 0.55


def test_an_action_of_1_is_the_largest_the_environment_takes() -> None:
    env = make_env(section())
    for action, torque in ((1.0, 2.0), (-1.0, -2.0), (0.25, 0.5)):
        env.reset(seed=0)
        env.step(np.array([action], np.float32))
        assert env.unwrapped.last_u == pytest.approx(torque)  # type: ignore[attr-defined]
    assert env.action_space == Box(-1, 1, (1,), np.float32)


def test_spaces_say_what_a_policy_is_built_from() -> None:
    spaces = look_at_spaces(section("HalfCheetah-v5", hide="velocities"))
    assert (spaces.full, spaces.state, spaces.action, spaces.episode_steps) == (17, 8, 6, 1000)
    assert (spaces.image, spaces.discrete, spaces.succeeds) == (None, False, False)
    assert (look_at_spaces(section()).low, look_at_spaces(section()).high) == ([-2.0], [2.0])


@pytest.mark.parametrize("hidden", [{}, {"hide": "velocities"}], ids=["whole", "hidden"])
def test_policies_see_float32(hidden: dict[str, str]) -> None:
    """Simulators compute in float64."""
    whole = section("HalfCheetah-v5", episode_steps=1, **hidden)
    envs = GymnasiumVector(make_vector(whole, 2), look_at_spaces(whole), torch.device("cpu"))
    first = envs.reset(seed=0)
    envs.send(torch.zeros(2, 6))
    step = envs.receive()
    assert step.final is not None
    seen = (first.state, step.observations.state, step.final.state, step.rewards)
    assert {part.dtype for part in seen} == {torch.float32}


def test_a_choice_is_taken_from_its_one_hot_action() -> None:
    """In CartPole, choice 1 pushes to the right and choice 0 to the left."""
    spaces = look_at_spaces(section("CartPole-v1"))
    assert (spaces.action, spaces.discrete, spaces.low, spaces.high) == (2, True, [], [])
    envs = GymnasiumVector(make_vector(section("CartPole-v1"), 2), spaces, torch.device("cpu"))
    envs.reset(seed=0)
    envs.send(torch.eye(2))
    speeds = envs.receive().observations.state[:, 1]
    assert speeds[0] < -0.1 and speeds[1] > 0.1


def test_episodes_end_at_the_time_limit_of_the_recipe() -> None:
    env = make_env(section(episode_steps=7))
    env.reset(seed=0)
    ends = [env.step(np.zeros(1, np.float32))[2:4] for _ in range(7)]
    assert ends == [(False, False)] * 6 + [(False, True)]
    assert look_at_spaces(section(episode_steps=7)).episode_steps == 7


def test_processes_change_nothing() -> None:
    """Observations, rewards and final observations, over several resets, of environments here and elsewhere."""
    told = []
    for processes in (False, True):
        envs = make_vector(section(episode_steps=4, observation_noise=0.1, processes=processes), 2)
        generator = np.random.default_rng(0)
        story = [envs.reset(seed=5)[0]]
        for _ in range(10):
            observations, rewards, terminated, truncated, info = envs.step(generator.uniform(-1, 1, (2, 1)))
            story += [observations, rewards, terminated, truncated]
            if truncated.any():
                story.append(np.stack(info["final_obs"]))
                assert not np.array_equal(story[-1], observations)
        envs.close()
        told.append(story)
    assert len(told[0]) == 1 + 10 * 4 + 2
    assert all(np.array_equal(here, there) for here, there in zip(*told, strict=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_processes_leave_signals_to_the_engine(number: int) -> None:
    """^C and the end of a batch job's time reach all processes; the engine still has a step to finish."""
    envs = make_vector(section(processes=True), 2)
    assert isinstance(envs, AsyncVectorEnv)
    envs.reset(seed=0)
    for process in envs.processes:
        os.kill(process.pid, number)
        process.join(1)
    try:
        envs.step(np.zeros((2, 1), np.float32))
    finally:
        envs.close(terminate=True)


def test_processes_end_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    parts = Parts(small(env={"processes": True, "num_envs": 2}))
    training = parts.training(capacity=100)
    training.send(torch.zeros(2, 1))  # and is not waited for
    processes = multiprocessing.active_children()
    assert len(processes) == 2
    parts.close()
    assert not any(process.is_alive() for process in processes)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("id", "says", "hint"),
    [
        ("HalfCheeta-v5", "no environment 'HalfCheeta-v5'", "HalfCheetah-v5"),
        ("pendulum-v1", "no environment 'pendulum-v1'", "Pendulum-v1"),
        ("qqqqqqqq", "no environment 'qqqqqqqq'", "pprint_registry"),
        ("FrozenLake-v1", "observations Discrete(16)", ""),
        ("HalfCheetah-v2", "cannot be made: ", ""),
        ("no_such_module:Some-v0", "cannot be made: ", ""),
    ],
)
def test_what_cannot_be_had_is_refused_in_a_sentence(id: str, says: str, hint: str) -> None:
    error = refusal(id)
    assert (error.kind, error.path) == ("environment", "env.id")
    assert says in error.message
    assert hint in error.hint
    assert "\n" not in str(error)


class Still(gymnasium.Env):
    """Nothing happens in it; subclasses are odd in one way each."""

    observation_space: gymnasium.Space = Box(-1, 1, (2,))
    action_space: gymnasium.Space = Box(-1, 1, (1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        return self.observation_space.sample(), {}


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Registers a subclass of Still as Odd-v0, for one test."""
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))

    def odd(wrappers: tuple = (), **spaces: gymnasium.Space) -> None:
        gymnasium.register("Odd-v0", entry_point=type("Odd", (Still,), spaces), additional_wrappers=wrappers)

    return odd


def test_unbounded_actions_are_refused(register: Callable[..., None]) -> None:
    register(action_space=Box(-np.inf, np.inf, (1,)))
    assert "unbounded" in refusal("Odd-v0").message


def test_whole_numbers_for_actions_are_refused(register: Callable[..., None]) -> None:
    register(action_space=Box(0, 5, (1,), np.int64))
    assert "actions" in refusal("Odd-v0").message


def test_several_choices_at_once_are_refused(register: Callable[..., None]) -> None:
    register(action_space=MultiDiscrete([2, 3]))
    assert "actions MultiDiscrete" in refusal("Odd-v0").message


def test_choices_that_do_not_begin_at_0_are_refused(register: Callable[..., None]) -> None:
    register(action_space=Discrete(3, start=1))
    assert "begin at 1" in refusal("Odd-v0").message


@pytest.mark.parametrize(
    "error", [ValueError("two\nlines"), gymnasium.error.Error("the licence file is missing"), AssertionError()]
)
def test_what_an_environment_raises_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> gymnasium.Env:
        raise error

    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    gymnasium.register("Odd-v0", entry_point=fail)
    refused = refusal("Odd-v0")
    assert f"Odd-v0 cannot be made: {type(error).__name__}: {' '.join(str(error).split())}" in refused.message
    assert "\n" not in str(refused)


def test_an_environment_may_come_in_wrappers_of_its_own(register: Callable[..., None]) -> None:
    parts = Dict(here=Box(-1, 1, (2,)), there=Box(-1, 1, (3,)))
    register(observation_space=parts, wrappers=(FlattenObservation.wrapper_spec(),))
    assert look_at_spaces(section("Odd-v0", keep=[1, 4])).full == 5


def test_a_module_is_imported_only_where_the_call_allows_it() -> None:
    names_a_module = small(env={"id": "some.module:Env-v0"})
    check_imports(names_a_module, ["other", "some.module"])
    check_imports(small(env={"id": "Env-v0"}), [])
    with pytest.raises(SetupError, match=r"some\.module") as caught:
        check_imports(names_a_module, ["some"])
    assert "--allow-import some.module" in caught.value.hint


@pytest.mark.parametrize("processes", [False, True])
def test_mujoco_neither_prints_nor_leaves_a_file(tmp_path: Path, processes: bool) -> None:
    script = (
        "from acceltui.engine.envs.gymnasium_env import make_vector\n"
        "from acceltui.recipe.schema import GymnasiumEnv\n"
        f"envs = make_vector(GymnasiumEnv(id='HalfCheetah-v5', processes={processes}), 2)\n"
        "envs.reset(seed=0)\n"
        "envs.step(envs.action_space.sample())\n"
        "envs.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())
