"""A saved policy in a script acts as it did in the run's own evaluations."""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from engine_process import engine, new_run
from engine_recipes import small
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from saved_runs import save, saved_run, small_with, stirred, with_algorithm, with_transformer

import acceltui
from acceltui import load_policy
from acceltui.engine.build import Parts
from acceltui.engine.errors import SetupError
from acceltui.engine.interaction import deterministic, run_episodes
from acceltui.engine.policy import Policy
from acceltui.recipe.schema import Recipe
from acceltui.runs.paths import RunError

GUIDE = Path(__file__).parents[2] / "docs" / "policies.md"
ALLOWED = ["uneven_env"]
UNEVEN = {"id": "uneven_env:Uneven-v0", "keep": [3, 0], "episode_steps": None}
CHOICE = {"id": "uneven_env:UnevenChoice-v0", "episode_steps": None}
PICTURES = {"id": "uneven_env:UnevenPictures-v0", "episode_steps": None}
HOPPER = {"id": "Hopper-v5", "hide": "velocities", "episode_steps": 30}
GPT = {"kind": "gpt", "positions": "rotary", "heads": 2, "feedforward": 16}
SSM = {"kind": "ssm", "state": 4, "feedforward": 16}
CASES: dict[str, tuple[Recipe, str]] = {
    "window": (small(env=UNEVEN), "transformer"),
    "memory": (with_transformer(GPT | {"memory": "episode"}, env=UNEVEN), "transformer"),
    "ssm with memory": (with_transformer(SSM | {"memory": "episode"}, env=UNEVEN), "transformer"),
    "ssm": (with_transformer(SSM, env=UNEVEN), "transformer"),
    "gtrxl": (with_transformer({"kind": "gtrxl", "heads": 2, "feedforward": 16}, env=UNEVEN), "transformer"),
    "interleaved": (small(env=UNEVEN, transformer={"inputs": "interleaved"}), "transformer"),
    "concatenated": (small(env=UNEVEN, transformer={"inputs": "concatenated"}), "transformer"),
    "choices": (with_algorithm("sac", env=CHOICE, clone={"loss": "cross_entropy"}), "transformer"),
    "ppo": (with_algorithm("ppo", env=UNEVEN, clone={"loss": "cross_entropy"}), "transformer"),
    "pictures": (small_with({"kind": "cnn", "hidden": [16]}, env=PICTURES), "transformer"),
    "an accelerator": (small_with({"kind": "lstm", "context": 4, "hidden": 8}, env=UNEVEN), "accelerator"),
    "hidden velocities": (small(env=HOPPER), "transformer"),
}


def in_the_engine(parts: Parts, name: str, num_envs: int, episodes: int, seed: int) -> list[tuple[float, int]]:
    """Returns and lengths, as the engine evaluates while it trains."""
    actor = parts.transformer if name == "transformer" else parts.accelerator
    with contextlib.closing(parts):
        came = run_episodes(parts.evaluating(num_envs), deterministic(actor), episodes, seed)
    return list(zip([episode.total for episode in came.finished], came.lengths, strict=True))


def in_a_script(
    policy: Policy, make: Callable[[], gymnasium.Env], num_envs: int, episodes: int, seed: int
) -> list[tuple[float, int]]:
    """The same by Gymnasium alone."""
    envs = SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    policy.reset(num_envs)
    observations, _ = envs.reset(seed=seed)
    begins: Any = None
    rewards: Any = None
    totals, lengths = np.zeros(num_envs, np.float32), np.zeros(num_envs, int)
    done: list[list[tuple[float, int]]] = [[] for _ in range(num_envs)]
    while min(map(len, done)) < episodes // num_envs:
        actions = policy.act(observations, reset=begins, rewards=rewards)
        assert all(policy.action_space.contains(action) for action in actions)
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        totals, lengths, begins = totals + rewards.astype(np.float32), lengths + 1, terminated | truncated
        for env in np.flatnonzero(begins):
            done[env].append((float(totals[env]), int(lengths[env])))
        totals[begins], lengths[begins] = 0, 0
    envs.close()
    return [episode for one in done for episode in one[: episodes // num_envs]]


@pytest.mark.parametrize("case", CASES)
def test_a_script_gets_to_the_bit_what_the_engine_got(tmp_path: Path, case: str) -> None:
    """In environments that begin their episodes at different times."""
    recipe, name = CASES[case]
    folder, parts = saved_run(tmp_path, recipe)
    expected = in_the_engine(parts, name, 3, 9, seed=77)
    policy = load_policy(folder.path, policy=name, allow_import=ALLOWED)
    limit = {"max_episode_steps": recipe.env.episode_steps} if recipe.env.episode_steps else {}
    played = in_a_script(policy, lambda: gymnasium.make(recipe.env.id, **limit), 3, 9, seed=77)
    assert played == expected
    assert len({total for total, _ in played}) == 9
    assert case == "hidden velocities" or len({length for _, length in played}) > 3


def test_a_forgotten_reset_or_another_window_would_be_noticed(tmp_path: Path) -> None:
    """What the test above rests on: these policies act on all that they see and remember."""
    for case in ("window", "memory"):
        recipe, name = CASES[case]
        folder, parts = saved_run(tmp_path, recipe, name=case)
        expected = in_the_engine(parts, name, 3, 9, seed=77)
        policy = load_policy(folder.path, allow_import=ALLOWED)
        act = policy.act
        policy.act = lambda *seen, act=act, **_: act(*seen)  # type: ignore[method-assign]
        assert in_a_script(policy, policy.make_env, 3, 9, seed=77) != expected


def test_the_guide_s_example_runs(tmp_path: Path) -> None:
    """It prints the return that `accel evaluate` gives for that seed."""
    [block] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    saved_run(tmp_path / "runs", small(env=HOPPER, evaluation={"num_envs": 1}), name="hopper")
    (tmp_path / "example.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    seed = re.search(r"seed=(\d+)", block)
    assert seed
    asked = ("evaluate", tmp_path / "runs" / "hopper", "--episodes", "1", "--seed", seed[1])
    [episode] = json.loads(engine(*asked, cwd=tmp_path).stdout)["episodes"]
    assert float(done.stdout) == pytest.approx(episode["return"], rel=1e-6)


def test_an_observation_alone_is_answered_by_an_action_alone(tmp_path: Path) -> None:
    folder, _ = saved_run(tmp_path, small())
    policy = load_policy(folder.path, checkpoint="best", policy="transformer", device="cpu")
    alone = np.array([0.1, 0.2, 0.3])
    action = policy.act(alone)
    assert action.shape == (1,) and policy.action_space.contains(action)
    policy.reset(2)
    np.testing.assert_allclose(policy.act(np.stack([alone, alone])), np.stack([action, action]), rtol=1e-5)
    assert (policy.step, policy.name, policy.recipe.env.id) == (100, "transformer", "Pendulum-v1")


def test_drawing_from_a_distribution_is_asked_for(tmp_path: Path) -> None:
    recipe = CASES["choices"][0]
    folder = new_run(tmp_path, recipe)
    save(folder, recipe, Parts(recipe), 10, "best")  # unstirred: all choices are about as likely
    policy = load_policy(folder.path, allow_import=ALLOWED)
    policy.reset(200)
    everywhere = np.tile(np.array([0.1, 0.0, 0.2, 0.0]), (200, 1))
    assert len(set(policy.act(everywhere).tolist())) == 1
    policy.reset(200)
    assert set(policy.act(everywhere, deterministic=False).tolist()) == {0, 1, 2}


def test_its_environment_has_the_recipe_s_limit_noise_and_losses(tmp_path: Path) -> None:
    recipe = small(env={"id": "Pendulum-v1", "episode_steps": 7, "observation_noise": 0.5, "keep": [0, 1]})
    folder, _ = saved_run(tmp_path, recipe)
    policy = load_policy(folder.path)
    env, clean = policy.make_env(), gymnasium.make("Pendulum-v1")
    (noisy, _), (plain, _) = env.reset(seed=5), clean.reset(seed=5)
    assert noisy.shape == plain.shape == (3,)
    assert not np.isclose(noisy, plain).any()
    over = [env.step(policy.act(noisy))[3] for _ in range(7)]
    assert over == [False] * 6 + [True]


def test_wrong_observations_are_told_with_what_is_wanted(tmp_path: Path) -> None:
    folder, _ = saved_run(tmp_path, small())
    policy = load_policy(folder.path)
    for wrong in (np.zeros(4), np.zeros((2, 3)), np.zeros(())):
        with pytest.raises(ValueError, match=r"expected \(1, 3\) after reset\(1\)"):
            policy.act(wrong)
    reading, _ = saved_run(tmp_path, CASES["concatenated"][0], name="reading")
    policy = load_policy(reading.path, allow_import=ALLOWED)
    policy.act(np.zeros(4))
    with pytest.raises(ValueError, match="give those that came"):
        policy.act(np.zeros(4))
    pictures, _ = saved_run(tmp_path, CASES["pictures"][0], name="pictures")
    policy = load_policy(pictures.path, allow_import=ALLOWED)
    with pytest.raises(ValueError, match="maps of image, state"):
        policy.act(np.zeros(4))
    with pytest.raises(ValueError, match=r"'image' of shape \(4, 4, 3\): expected \(1, 8, 8, 3\)"):
        policy.act({"state": np.zeros(4), "image": np.zeros((4, 4, 3), np.uint8)})


def test_what_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        load_policy(tmp_path)
    with pytest.raises(RunError, match="empty has no checkpoint yet"):
        load_policy(new_run(tmp_path, small(), "empty").path)
    recipe = small(env={"id": "own_module:Own-v0"})
    folder = new_run(tmp_path, recipe, "own")
    save(folder, recipe, stirred(small()), 10, "best")
    with pytest.raises(SetupError, match="--allow-import own_module"):
        load_policy(folder.path)


def test_an_environment_that_has_changed_is_told(tmp_path: Path) -> None:
    recipe = small(env={"id": "Hopper-v5"})
    folder = new_run(tmp_path, recipe)
    save(folder, recipe, stirred(small()), 10, "best")
    with pytest.raises(SetupError, match="shows or takes something else"):
        load_policy(folder.path)


def test_loading_takes_nothing_from_the_script_s_own_generator(tmp_path: Path) -> None:
    folder, _ = saved_run(tmp_path, small())
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_policy(folder.path)
    assert torch.equal(torch.rand(3), expected)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import acceltui, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "numpy", "gymnasium", "pydantic", "yaml"}.isdisjoint(done.stdout.split())
    with pytest.raises(AttributeError, match="no attribute 'load_policies'"):
        acceltui.load_policies  # type: ignore[attr-defined] # noqa: B018


def test_the_stub_names_what_is_there() -> None:
    stub = Path(acceltui.__file__).with_suffix(".pyi").read_text()
    named = set(re.findall(r"import (\w+) as \1$", stub, re.MULTILINE)) | set(
        re.findall(r"^(\w+):", stub, re.MULTILINE)
    )
    assert named == {"Policy", "load_policy", "__version__"}
    assert all(hasattr(acceltui, name) for name in named)
