"""Whole runs with SAC: real actions and choices, an MLP that accelerates a small transformer."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from engine_process import engine_command, new_run, rows

from acceltui.recipe.library import shipped_recipe
from acceltui.recipe.load import load_recipe

pytestmark = [pytest.mark.learning, pytest.mark.slow, pytest.mark.timeout(900)]

SAC = ("algorithm.kind=sac", "algorithm.learning_rate=1e-3", "algorithm.random_steps=500", "online.algorithm={}")
SAC += ("clone.loss=divergence", "accelerator.steps=5_000", "switch={step: 5_000}", "online.steps=3_000")
PENDULUM = (*SAC, "algorithm.batch_size=128", "algorithm.discount=0.98")
CARTPOLE = (*SAC, "env.id=CartPole-v1", "algorithm.batch_size=64", "clone.batch_size=64")


@pytest.mark.parametrize(("overrides", "solved"), [(PENDULUM, -250.0), (CARTPOLE, 300.0)], ids=["pendulum", "cartpole"])
def test_the_accelerated_transformer_solves_the_task(tmp_path: Path, overrides: tuple[str, ...], solved: float) -> None:
    folder = new_run(tmp_path, load_recipe(shipped_recipe("pendulum_quick"), overrides).recipe)
    subprocess.run(engine_command("run", folder.path), check=True)

    measured = rows(folder)
    online = [row["transformer/return"] for row in measured if row["stage"] == "online" and "transformer/return" in row]
    assert np.mean(online[-3:]) > solved, online
