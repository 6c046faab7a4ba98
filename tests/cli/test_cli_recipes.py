"""validate, plan, recipes and schema."""

import json
from pathlib import Path

import pytest
from calling import RECIPE, Accel

from acceltui.cli.recipes import describe
from acceltui.recipe.load import load_recipe


def test_a_valid_recipe_is_described(accel: Accel) -> None:
    done = accel("validate", "small.yaml", "env.hide=velocities")
    assert done.returncode == 0
    assert done.stdout == ("small.yaml is valid: 2 of 3 numbers seen, 1 action, episodes of at most 200 steps\n")


def test_pictures_and_choices_are_described() -> None:
    spaces = {
        "seen": "pictures of 64 x 64 (3 channels) and 18 numbers",
        "action": {"shape": [4], "discrete": True},
        "success": True,
        "episode_steps": None,
    }
    assert describe(spaces) == (
        ": pictures of 64 x 64 (3 channels) and 18 numbers seen, a choice of 4, success reported"
    )


def test_a_static_check_needs_no_engine(accel: Accel) -> None:
    done = accel("validate", "small.yaml", "--static", engine="crash")
    assert (done.returncode, done.stdout) == (0, "small.yaml is valid\n")


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_what_the_environment_does_not_have_has_its_place_in_the_file(accel: Accel, command: str) -> None:
    done = accel(command, "small.yaml", engine="wrong")
    assert done.returncode == 2
    assert done.stderr == "small.yaml:3:28: env.id: no such environment; try Pendulum-v1\n"


def test_an_engine_that_crashes_is_no_fault_of_the_recipe(accel: Accel) -> None:
    done = accel("validate", "small.yaml", engine="crash")
    assert done.returncode == 1
    assert "Traceback: boom" in done.stderr


def test_a_plan_for_people_and_for_scripts(accel: Accel) -> None:
    shown = accel("plan", "small.yaml").stdout
    for fact in ("transformer 130,000", "accelerate 2.9M", "accelerate 1,500 steps/s", "total 3m"):
        assert fact in shown
    assert json.loads(accel("plan", "small.yaml", "--json").stdout)["seconds"]["total"] == 190


def test_shipped_recipes_can_be_listed_shown_and_copied(accel: Accel) -> None:
    listed = accel("recipes").stdout
    assert listed == accel("recipes", "ls").stdout
    assert any(line.startswith("pendulum_quick ") for line in listed.splitlines())
    shown = accel("recipes", "show", "pendulum_quick").stdout
    assert accel("recipes", "copy", "pendulum_quick").returncode == 0
    copied = accel.folder / "pendulum_quick.yaml"
    assert copied.read_text() == shown
    assert load_recipe(copied).recipe.name == "pendulum_quick"


def test_a_copy_replaces_a_file_only_when_told(accel: Accel) -> None:
    done = accel("recipes", "copy", "pendulum_quick", "small.yaml")
    assert done.returncode == 2
    assert "small.yaml exists already" in done.stderr
    assert (accel.folder / "small.yaml").read_text() == RECIPE
    assert accel("recipes", "copy", "pendulum_quick", "small.yaml", "--force").returncode == 0
    assert "pendulum_quick" in (accel.folder / "small.yaml").read_text()


def test_a_file_wins_over_a_shipped_recipe(accel: Accel) -> None:
    (accel.folder / "pendulum_quick").write_text(RECIPE)
    assert "name: small" in accel("run", "pendulum_quick", "--dry-run").stdout


def test_the_demo_is_the_shipped_pendulum(accel: Accel) -> None:
    assert accel("demo").returncode == 0
    assert accel.runs[0].name.startswith("pendulum_quick-s1-")


@pytest.mark.parametrize("words", [["recipes", "show", "pendulum_quik"], ["run", "pendulum_quik"]])
def test_an_unknown_name_has_a_nearest_one(accel: Accel, words: list[str]) -> None:
    done = accel(*words)
    assert done.returncode == 2
    assert "pendulum_quick" in done.stderr


def test_a_run_keeps_what_its_recipe_extends(accel: Accel) -> None:
    base = accel.folder / "bases" / "status.json"
    base.parent.mkdir()
    base.write_text(RECIPE)
    (accel.folder / "child.yaml").write_text("extends: bases/status.json\nseed: 5\n")
    assert accel("run", "child.yaml").returncode == 0
    [run] = accel.runs
    assert run.recipe.read_text().startswith("extends:")
    assert (run.path / "extended-1-status.json").read_text() == RECIPE
    assert json.loads(run.status.read_text())["state"] == "FINISHED"


def test_the_schema_is_json(accel: Accel) -> None:
    assert "properties" in json.loads(accel("schema").stdout)


def test_a_copy_takes_what_it_extends(accel: Accel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from acceltui.cli import app
    from acceltui.recipe import library

    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "base.yaml").write_text(RECIPE)
    (shipped / "child.yaml").write_text("extends: base.yaml\nseed: 5\n")
    monkeypatch.setattr(library, "_FOLDERS", (shipped,))
    target = tmp_path / "mine"
    target.mkdir()
    result = CliRunner().invoke(app, ["recipes", "copy", "child", str(target)])
    assert result.exit_code == 0
    assert load_recipe(target / "child.yaml").recipe.seed == 5
