"""Every shipped recipe goes through both stages, in its real environment, with its budgets cut by overrides."""

import contextlib
from pathlib import Path

import pytest
from engine_process import new_run, rows

from acceltui.engine.monitor import Live, Monitor
from acceltui.engine.process import budgets
from acceltui.engine.record import Record
from acceltui.engine.run import Run
from acceltui.engine.train import train
from acceltui.recipe.library import shipped_recipe, shipped_recipes
from acceltui.recipe.load import load_recipe
from acceltui.recipe.schema import PPO, ManiSkillEnv, Recipe

QUICK_SIMULATION = "pushcube_quick"
"""Of the recipes whose simulator takes seconds to start, the one that is tested always."""
CUT = """engine.threads=1 engine.device=cpu env.episode_steps=20 env.num_envs=1 algorithm.batch_size=16
accelerator.steps=160 accelerator.replay=400 clone.newest=200 clone.batch_size=16 switch=null
online.steps=80 online.replay=200 online.seed_replay=100 online.critic_warmup=10 online.clone_fade=40
evaluation.every=120 evaluation.episodes=1 evaluation.num_envs=1 log.every=40 log.tensorboard=false""".split()  # noqa: SIM905 - a list of forty strings is harder to read
OFF_POLICY = ["algorithm.random_steps=40", "algorithm.updates_per_step=0.2", "clone.updates_per_step=0.1"]
ON_POLICY = ["algorithm.rollout_steps=40", "algorithm.epochs=1"]
ROLLOUTS = ["clone.rollouts.every=80", "clone.rollouts.episodes=1"]


def cut(name: str) -> Recipe:
    """A shipped recipe that is over in seconds."""
    path = shipped_recipe(name)
    recipe = load_recipe(path).recipe
    overrides = CUT + (ON_POLICY if isinstance(recipe.algorithm, PPO) else OFF_POLICY)
    return load_recipe(path, overrides + (ROLLOUTS if recipe.clone.from_ == "rollouts" else [])).recipe


def parameter(name: str) -> object:
    """A test of a recipe, behind the marker where it is slow."""
    simulated = isinstance(load_recipe(shipped_recipe(name)).recipe.env, ManiSkillEnv)
    return pytest.param(name, marks=[pytest.mark.slow] if simulated and name != QUICK_SIMULATION else [])


@pytest.mark.parametrize("name", [parameter(recipe.name) for recipe in shipped_recipes()])
def test_a_recipe_passes_both_stages(name: str, tmp_path: Path) -> None:
    recipe = cut(name)
    if isinstance(recipe.env, ManiSkillEnv):
        from acceltui.engine.vulkan import find_devices, problem

        if trouble := problem(find_devices()):
            pytest.skip(f"ManiSkill: {trouble}")
    folder = new_run(tmp_path, recipe)
    live, record = Live(recipe.method, budgets=budgets(recipe)), Record(folder, 1, tensorboard=False)
    run = Run(recipe, folder, Monitor(folder, live, 1), record)
    with contextlib.closing(run.parts), contextlib.closing(record):
        assert train(run) == "FINISHED"
    measured = rows(folder)
    assert {row["stage"] for row in measured} == {"accelerate", "online"}
    assert measured[-1]["step"] == 240
    losses = {key for row in measured for key in row if key.startswith("loss/")}
    assert losses >= {"loss/critic", "loss/actor", "loss/clone"}
    assert all(row[key] is not None for row in measured for key in row)
