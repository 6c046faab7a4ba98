"""Recipes beside each other."""

from pathlib import Path

from acceltui.recipe.differences import side_by_side
from acceltui.recipe.load import load_recipe
from acceltui.recipe.schema import Recipe

RECIPE = """\
version: 1
name: one
seed: 3
env: {kind: gymnasium, id: Pendulum-v1}
accelerator: {kind: lstm, hidden: 64, steps: 200_000}
online: {steps: 20_000}
"""


def recipe(folder: Path, *overrides: str) -> Recipe:
    path = folder / "one.yaml"
    path.write_text(RECIPE)
    return load_recipe(path, overrides).recipe


def test_only_what_differs_is_told(tmp_path: Path) -> None:
    one, other = recipe(tmp_path), recipe(tmp_path, "seed=4", "online.steps=30_000", "switch={step: 5_000}")
    rows = side_by_side([one, other, one])
    assert rows["seed"] == ["3", "4", "3"]
    assert rows["online.steps"] == ["20_000", "30_000", "20_000"]
    assert "5000" in rows["switch"][1]
    assert set(rows) == {"seed", "online.steps", "switch"}
    assert side_by_side([one, recipe(tmp_path)]) == {}


def test_what_a_recipe_does_not_have_or_nobody_knows(tmp_path: Path) -> None:
    lstm, mlp = recipe(tmp_path), recipe(tmp_path, "accelerator={kind: mlp, steps: 200_000}")
    rows = side_by_side([lstm, None, mlp])
    assert rows["accelerator.kind"] == ["lstm", "?", "mlp"]
    assert rows["accelerator.layers"][2] == "-"
    assert "accelerator.steps" not in rows and "seed" not in rows, "what is unknown makes no difference"
    assert side_by_side([None, None]) == {}
