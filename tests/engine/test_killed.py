"""Runs that are killed with SIGKILL, wherever they are, and go on in new processes, end as one that nobody killed."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from engine_process import new_run, status_of
from killed import begin, happened, kill, killed_and_resumed, wait_for
from resuming import ANT, CHEETAH, CNN, COVERING, LSTM, POMDP, PPO, SAC, SHAPES, assert_same, end_of, recipe_of, run

from acceltui.engine.vulkan import find_devices, problem
from acceltui.recipe.schema import ManiSkillEnv, Recipe
from acceltui.runs.checkpoints import newest_whole
from acceltui.runs.paths import create_run_folder

ALGORITHMS: dict[str, dict[str, Any]] = {"td3": {}, "sac": {"algorithm": SAC}, "ppo": {"algorithm": PPO}}
ACTORS: dict[str, dict[str, Any]] = {"mlp": {}, "lstm": {"accelerator": LSTM}, "alone": {"method": "scratch"}}
PUSH = {"kind": "maniskill", "id": "PushCube-v1", "episode_steps": 30}
ENVIRONMENTS = {"cheetah": CHEETAH, "ant": ANT, "pomdp": POMDP, "maniskill": PUSH}
PICTURES = {"accelerator": CNN, "encoder": {"features": 8}, "env": SHAPES}
MATRIX = {
    f"{algorithm}-{actor}-{env}-{count}": ALGORITHMS[algorithm]
    | ACTORS[actor]
    | {"env": ENVIRONMENTS[env] | {"num_envs": count}}
    for algorithm in ALGORITHMS
    for actor in ACTORS
    for env in ENVIRONMENTS
    for count in (1, 4)
} | {
    f"{algorithm}-cnn-shapes-{count}": ALGORITHMS[algorithm] | PICTURES | {"env": SHAPES | {"num_envs": count}}
    for algorithm in ALGORITHMS
    for count in (1, 4)
}
"""Pictures are of an environment of our own: what reaches a CNN is what matters here, not who drew it."""


def ends_the_same(recipe: Recipe, root: Path, seed: int) -> None:
    whole = create_run_folder(root, recipe.name, recipe.seed, name="whole")
    assert run(whole, recipe) == "FINISHED"
    assert_same(end_of(whole), end_of(killed_and_resumed(root, recipe, seed)))


@pytest.mark.parametrize(
    "setting", [pytest.param(name, marks=[pytest.mark.slow] if "processes" in name else []) for name in COVERING]
)
def test_a_run_that_was_killed_three_times_ends_as_one_that_was_not(setting: str, tmp_path: Path) -> None:
    ends_the_same(recipe_of(COVERING[setting]), tmp_path, seed=list(COVERING).index(setting))


def test_what_an_engine_was_killed_over_does_not_stay(tmp_path: Path) -> None:
    """Planted here, because a kill falls into these moments once in hundreds."""
    folder = new_run(tmp_path, recipe_of({}))
    process = begin("run", folder)
    wait_for(process, lambda: happened(folder, "checkpoint"))
    kill(process)
    saved, _ = newest_whole(folder)
    assert saved is not None
    halves = [folder.checkpoints / name for name in (".0000000190-1.part", ".0000000010-1.gone")]
    for half in halves:
        shutil.copytree(saved.path, half, ignore=shutil.ignore_patterns("manifest.json"))
    (halves[0] / "critic.safetensors").write_bytes(b"half")
    temporary = [folder.path / ".status.json.1-ab", folder.acks / ".1-ab.json.1-ab", saved.path / ".manifest.json.1-ab"]
    temporary.append(folder.replay / ".tmpIwdEji")
    for file in temporary:
        file.write_bytes(b"{")
    process = begin("resume", folder)
    process.join()
    assert status_of(folder).state == "FINISHED", folder.log.read_text()
    assert not [path for path in [*halves, *temporary] if path.exists()]
    assert saved.path.exists() and not saved.damage()


@pytest.mark.slow
@pytest.mark.parametrize("setting", MATRIX)
def test_so_does_every_combination(setting: str, tmp_path: Path) -> None:
    recipe = recipe_of(MATRIX[setting])
    if isinstance(recipe.env, ManiSkillEnv):
        if find_spec("mani_skill") is None:
            pytest.skip("mani_skill is not installed")
        if trouble := problem(find_devices()):
            pytest.skip(f"the simulator cannot run: {trouble} (make system-packages)")
    ends_the_same(recipe, tmp_path, seed=list(MATRIX).index(setting))
