"""compare and recipe: what the dashboard shows by `c` and `r`, for scripts."""

import json
from pathlib import Path

import pytest
from test_cli_look import accel

from acceltui.recipe.load import load_recipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsWriter
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, write_status

RECIPE = """version: 1
name: cheetah
env: {kind: gymnasium, id: HalfCheetah-v5}
accelerator: {kind: mlp, steps: 20_000}
switch: {any: [{step: 10_000}]}
online: {replay: %s, seed_replay: 5000, steps: 10_000}
"""


def make(root: Path, name: str, replay: int) -> RunFolder:
    folder = create_run_folder(root, "cheetah", 1, name=name)
    recipe = root / f"{name}.yaml"
    recipe.write_text(RECIPE % replay)
    folder.resolved.write_text(dump_resolved(load_recipe(recipe).recipe))
    metrics = MetricsWriter(folder.metrics, 1)
    for step in (1000, 2000):
        metrics.append(step, "accelerate", {"transformer/return": replay / 1000 + step}, time=1.8e9 + step)
    write_status(folder, Status(state="FINISHED", run=name, step=2000))
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    make(tmp_path, "small", 5000)
    make(tmp_path, "large", 20_000)
    return tmp_path


def test_runs_are_compared_by_figures_and_by_what_their_recipes_differ_in(root: Path) -> None:
    printed = [line.split() for line in accel("compare", "sm", "large").splitlines()]
    assert printed[0] == ["small", "large"]
    assert ["last", "return", "2,005", "2,020"] in printed and ["step", "2,000", "2,000"] in printed
    assert ["online.replay", "5000", "20_000"] in printed
    found = json.loads(accel("compare", "small", "large", "--json"))
    assert found["small"]["figures"]["last return"] == "2,005"
    assert found["large"]["recipe"] == {"online.replay": "20_000"}
    plain = accel("compare", "small", "large", "--plain").splitlines()
    assert plain[0] == "run\tsmall\tlarge" and "online.replay\t5000\t20_000" in plain
    assert all(line.count("\t") == 2 for line in plain)


def test_a_run_beside_itself_differs_in_nothing(root: Path) -> None:
    assert "differ" not in accel("compare", "small", "small"), "one run has nothing to differ from"
    (root / "large" / "resolved.yaml").write_bytes((root / "small" / "resolved.yaml").read_bytes())
    assert accel("compare", "small", "large").endswith("The recipes do not differ.\n")


def test_what_cannot_be_compared_is_said_in_a_sentence(root: Path) -> None:
    assert "No run in" in accel("compare", "small", "nope", code=2)
    assert "exclude each other" in accel("compare", "small", "--json", "--plain", code=2)


def test_the_recipe_of_a_run_whole_or_what_of_it_is_not_the_default(root: Path) -> None:
    assert accel("recipe", "large") == (root / "large" / "resolved.yaml").read_text()
    changed = accel("recipe", "small", "--changed").splitlines()
    assert "online.replay=5000" in changed and not any(line.startswith("seed=") for line in changed)
    values = json.loads(accel("recipe", "small", "--json"))
    assert values["online.replay"] == 5000 and values["seed"] == 1
    assert json.loads(accel("recipe", "small", "--json", "--changed")).keys() < values.keys()


def test_a_recipe_that_cannot_be_read_is_said_in_a_sentence(root: Path) -> None:
    (root / "small" / "resolved.yaml").write_text("env: [")
    assert "resolved.yaml" in accel("recipe", "small", code=2)
    (root / "small" / "resolved.yaml").unlink()
    assert "resolved.yaml" in accel("recipe", "small", code=2)
