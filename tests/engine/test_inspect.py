"""Questions to the engine about a recipe: `spaces` and `plan`, as other programs ask them."""

import json
from pathlib import Path

import pytest
from engine_process import engine, resolved
from engine_recipes import small


def test_the_engine_tells_the_spaces_of_a_recipe(tmp_path: Path) -> None:
    recipe = small(env={"id": "HalfCheetah-v5", "hide": "velocities", "episode_steps": 50})
    done = engine("spaces", resolved(tmp_path, recipe), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "observation": {"shape": [17], "dtype": "float32"},
        "visible": 8,
        "image": None,
        "seen": "8 of 17 numbers",
        "action": {"shape": [6], "discrete": False, "low": [-1.0] * 6, "high": [1.0] * 6},
        "success": False,
        "episode_steps": 50,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["resolved.yaml"]


@pytest.mark.parametrize("verb", ["spaces", "plan"])
def test_the_engine_tells_what_is_wrong_with_a_recipe(tmp_path: Path, verb: str) -> None:
    done = engine(verb, resolved(tmp_path, small(env={"id": "Pendulum-v7"})), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    error = json.loads(done.stdout)["error"]
    assert error.keys() == {"path", "message", "hint"}
    assert error["path"] == "env.id"
    assert "Pendulum-v7" in error["message"]


def test_the_engine_plans_a_run(tmp_path: Path) -> None:
    recipe = small(env={"processes": True})
    done = engine("plan", resolved(tmp_path, recipe), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert plan["spaces"]["visible"] == 3
    assert plan["parameters"]["accelerator"] == (3 + 1) * 16 + 17 * 16 + 17
    assert plan["parameters"]["critic"] == 2 * ((2 * 3 + 1 + 1) * 16 + 17 * 16 + 17)
    assert plan["replay_bytes"].keys() == {"accelerate", "online"}
    assert plan["replay_bytes"]["online"] < plan["replay_bytes"]["accelerate"] < 2 * 400 * 4 * (3 + 1 + 1)
    speed, seconds = plan["speed"], plan["seconds"]
    assert speed["measured_steps"] > 0
    assert seconds["accelerate"] == pytest.approx(recipe.accelerator.steps / speed["accelerate"])
    assert seconds["online"] == pytest.approx(recipe.online.steps / speed["online"])
    assert seconds["total"] == pytest.approx(seconds["accelerate"] + seconds["online"] + seconds["evaluation"])
