"""ManiSkill tasks on the processor, the real simulator; seconds each, because of what it imports."""

import dataclasses
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest
import torch

from acceltui.engine.envs.base import Spaces
from acceltui.engine.envs.build import look_at_spaces, make_environments
from acceltui.engine.envs.maniskill import ManiSkillOnGPU, ManiSkillTask, make_env, on_gpu
from acceltui.engine.envs.maniskill_task import make_simulation
from acceltui.engine.errors import SetupError
from acceltui.engine.vulkan import VulkanDevice, find_devices, problem
from acceltui.recipe.schema import ManiSkillEnv

CPU = torch.device("cpu")
PUSH = ManiSkillEnv(kind="maniskill", id="PushCube-v1", episode_steps=5)
PICK = ManiSkillEnv(kind="maniskill", id="PickCube-v1", observation="rgb+state", camera=[32, 48])
REACH = ManiSkillEnv(kind="maniskill", id="PushCube-v1", control="pd_joint_pos")


@pytest.fixture(scope="module", autouse=True)
def _needs_the_simulator() -> None:
    if find_spec("mani_skill") is None:
        pytest.skip("mani_skill is not installed")
    if trouble := problem(find_devices()):
        pytest.skip(f"the simulator cannot run: {trouble} (make system-packages)")


@pytest.fixture(scope="module")
def spaces() -> Spaces:
    return look_at_spaces(PUSH)


@pytest.fixture(scope="module")
def push(spaces: Spaces) -> gymnasium.Env:
    env = make_env(PUSH, spaces)
    assert isinstance(env.unwrapped, ManiSkillTask)
    return env


def still(spaces: Spaces) -> np.ndarray:
    return np.zeros(spaces.action, np.float32)


def cube_at_goal(env: gymnasium.Env) -> None:
    assert isinstance(env.unwrapped, ManiSkillTask)
    simulation = env.unwrapped._simulation
    simulation.obj.set_pose(simulation.goal_region.pose)


def complaint(section: ManiSkillEnv) -> SetupError:
    with pytest.raises(SetupError) as caught:
        make_simulation(section)
    return caught.value


def test_a_state_task_is_described_without_loading_the_simulator_here(spaces: Spaces) -> None:
    assert (spaces.full, spaces.state, spaces.image, spaces.action, spaces.discrete) == (35, 35, None, 8, False)
    assert spaces.low == [-1.0] * 8
    assert spaces.episode_steps == 5
    assert spaces.succeeds


def test_a_time_limit_truncates_and_does_not_terminate(push: gymnasium.Env, spaces: Spaces) -> None:
    observation, info = push.reset(seed=0)
    assert observation in push.observation_space
    assert info == {"success": False}
    steps = [push.step(still(spaces)) for _ in range(5)]
    assert [step[3] for step in steps] == [False] * 4 + [True]
    assert not any(step[2] for step in steps)
    assert all(type(step[1]) is float and step[4] == {"success": False} for step in steps)


def test_success_terminates_and_does_not_truncate(push: gymnasium.Env, spaces: Spaces) -> None:
    push.reset(seed=0)
    cube_at_goal(push)
    _, reward, terminated, truncated, info = push.step(still(spaces))
    assert (terminated, truncated, info["success"]) == (True, False, True)
    assert reward == pytest.approx(1.0)


def test_success_in_the_last_step_is_both(push: gymnasium.Env, spaces: Spaces) -> None:
    push.reset(seed=0)
    for _ in range(4):
        push.step(still(spaces))
    cube_at_goal(push)
    assert push.step(still(spaces))[2:4] == (True, True)


def test_a_seed_repeats_this_episode_and_the_next(push: gymnasium.Env, spaces: Spaces) -> None:
    def episodes(seed: int) -> list[np.ndarray]:
        first, _ = push.reset(seed=seed)
        moved = push.step(np.full(spaces.action, 0.5, np.float32))[0]
        torch.rand(1)  # what else the process draws must not matter
        return [first, moved, push.reset()[0]]

    once, again, other = episodes(1), episodes(1), episodes(2)
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert not (once[0] == other[0]).all()
    assert not (once[2] == other[2]).all()


def test_actions_span_the_controllers_own_range(spaces: Spaces) -> None:
    simulation = make_simulation(REACH)
    own = simulation.single_action_space
    env = make_env(REACH, dataclasses.replace(spaces, low=own.low.tolist(), high=own.high.tolist()))
    env.reset(seed=0)
    taken, own_simulation = [], env.unwrapped._simulation  # type: ignore[attr-defined]
    own_simulation.step = lambda action, step=own_simulation.step: taken.append(action) or step(action)
    for action in (-1.0, 0.0, 1.0, 5.0):
        env.step(np.full(spaces.action, action, np.float32))
    assert np.allclose(taken, [own.low, (own.low + own.high) / 2, own.high, own.high], atol=1e-6)


def test_a_camera_and_the_robots_own_senses_without_the_cubes_place() -> None:
    spaces = look_at_spaces(PICK)
    assert spaces.image == (3, 32, 48)
    environments = make_environments(PICK, 1, spaces, CPU)
    try:
        first = environments.reset(3)
        environments.send(torch.full((1, spaces.action), 0.5))
        step = environments.receive()
    finally:
        environments.close()
    assert first.image is not None and step.observations.image is not None
    assert (first.image.dtype, tuple(first.image.shape)) == (torch.uint8, (1, 3, 32, 48))
    # 9 joints' positions and velocities, whether it grasps, 7 of the hand's pose, 3 of the goal; the cube's has 7 more.
    assert (first.state.dtype, tuple(first.state.shape)) == (torch.float32, (1, 9 + 9 + 1 + 7 + 3))
    assert first.image.float().std() > 10
    assert (first.image != step.observations.image).any()


def test_the_batched_class_restarts_in_the_step_that_ends_an_episode(spaces: Spaces) -> None:
    """On the processor, one environment: the code that a GPU runs, but for the device."""
    batch = ManiSkillOnGPU(PUSH, 1, spaces, CPU)
    noise = torch.random.get_rng_state()
    seen = [batch.reset(7).state]
    for count in range(1, 11):
        batch.send(torch.zeros(1, spaces.action))
        step = batch.receive()
        seen.append(step.observations.state)
        assert step.truncated.tolist() == [count % 5 == 0]
        assert (step.final is not None) == (count % 5 == 0)
        assert not step.terminated.any() and not step.success.any()
    assert step.final is not None and not torch.equal(step.final.state, step.observations.state)
    assert torch.equal(noise, torch.random.get_rng_state())
    assert not torch.equal(seen[0], seen[5])
    assert torch.equal(batch.reset(7).state, seen[0])
    batch.close()


ROLL = ManiSkillEnv(kind="maniskill", id="RollBall-v1", control="pd_joint_target_delta_pos", episode_steps=9)
"""Has a controller that remembers its targets, and a task that notes goals that were reached."""


def played(env: gymnasium.Env, actions: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """What an environment shows, on through the ends of its episodes; and at which steps others began."""
    seen, begun = [], []
    for number, action in enumerate(actions):
        observation, reward, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            observation, _ = env.reset()
            begun.append(number)
        parts = observation if isinstance(observation, dict) else {"": observation}
        seen.append(np.concatenate([np.ravel(part) for part in parts.values()] + [np.array([reward, terminated])]))
    return np.stack(seen), begun


@pytest.mark.parametrize("section", [PUSH, PICK, ROLL], ids=lambda section: section.id)
def test_a_snapshot_goes_on_alike_wherever_it_is_put_back(section: ManiSkillEnv) -> None:
    spaces = dataclasses.replace(look_at_spaces(section), episode_steps=9)
    first, other, never_asked = (make_env(section, spaces) for _ in range(3))
    actions = np.random.default_rng(0).uniform(-1, 1, (40, spaces.action)).astype(np.float32)
    first.reset(seed=3)
    played(first, actions[:13])
    snapshot = first.snapshot()
    went_on, begun = played(first, actions[13:])
    other.reset(seed=8)
    played(other, actions[5:12])
    other.pending = snapshot
    other.restore_pending()
    assert other.snapshot() is not None  # as where a run resumes at the switch, which is saved again
    assert np.array_equal(played(other, actions[13:])[0], went_on)
    # Being asked changes neither when episodes end nor which ones come.
    never_asked.reset(seed=3)
    expected, when = played(never_asked, actions)
    assert [number - 13 for number in when if number >= 13] == begun == [4, 13, 22]
    assert np.array_equal(expected[13:][begun][:, :-2], went_on[begun][:, :-2])
    for env in (first, other, never_asked):
        env.close()


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    error = complaint(PUSH.model_copy(update={"id": "PushCub-v1"}))
    assert str(error) == "env.id: ManiSkill has no task 'PushCub-v1' (did you mean PushCube-v1?)"


def test_an_unknown_control_is_answered_with_those_there_are() -> None:
    error = complaint(PUSH.model_copy(update={"control": "pd_joint_delta"}))
    assert error.path == "env.control"
    assert "did you mean pd_joint_delta_pos?" in error.hint and "pd_ee_delta_pose" in error.hint


def test_a_reward_that_the_task_has_not() -> None:
    error = complaint(PUSH.model_copy(update={"id": "PlugCharger-v1"}))
    assert str(error) == "env.reward: PlugCharger-v1 has no reward 'normalized_dense' (it has sparse)"


def test_files_to_download_are_named_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from mani_skill.utils import assets

    monkeypatch.setattr(assets, "is_data_source_downloaded", lambda source: False)
    error = complaint(PUSH.model_copy(update={"id": "PickSingleYCB-v1"}))
    assert "'ycb'" in error.message and "download_asset ycb" in error.hint


def test_a_machine_without_vulkan_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere.json")
    monkeypatch.setenv("VK_ICD_FILENAMES", "/nowhere.json")
    with pytest.raises(SetupError) as caught:
        look_at_spaces(PUSH)
    assert "there is no Vulkan device here" in caught.value.message
    assert "make system-packages" in caught.value.hint


def test_an_old_lavapipe_is_refused_and_an_old_gpu_driver_is_not() -> None:
    old = VulkanDevice("llvmpipe (LLVM 15.0.6, 256 bits)", "Mesa 22.3.6 (LLVM 15.0.6)", on_processor=True)
    assert "24.3 or newer" in problem([old])
    assert problem([old, VulkanDevice("NVIDIA", "550.54", on_processor=False)]) == ""


def test_a_gpu_is_asked_for_where_there_is_none() -> None:
    asked = PUSH.model_copy(update={"backend": "gpu"})
    with pytest.raises(SetupError, match="the engine computes on the cpu"):
        on_gpu(asked, CPU)
    assert not on_gpu(PUSH, CPU)
    assert on_gpu(PUSH, torch.device("cuda:0"))
    assert not on_gpu(PUSH.model_copy(update={"backend": "cpu"}), torch.device("cuda:0"))
