"""A run that was killed and resumed is the run that was not: to the bit, wherever it was."""

import json
import shutil
from pathlib import Path

import pytest
from resuming import COVERING, assert_same, end_of, recipe_of, run

from acceltui.engine import segments
from acceltui.engine.process import latest_attempt
from acceltui.recipe.schema import GymnasiumEnv
from acceltui.runs.checkpoints import newest_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import apply_rewinds
from acceltui.runs.paths import create_run_folder


def cut_back(folder: RunFolder, into: Path, step: int) -> RunFolder:
    """The run as it was when its checkpoint of `step` was the newest, and had written somewhat more since."""
    copy = RunFolder(into)
    shutil.copytree(folder.path, copy.path)
    for path in copy.checkpoints.iterdir():
        if int(path.name.partition("-")[0]) > step:
            shutil.rmtree(path)
    lines = copy.metrics.read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["step"] <= step + 20]
    copy.metrics.write_text("".join(kept))
    return copy


@pytest.mark.parametrize("setting", COVERING)
def test_a_resumed_run_ends_as_one_that_was_not_interrupted(setting: str, tmp_path: Path) -> None:
    recipe = recipe_of(COVERING[setting])
    folder = create_run_folder(tmp_path, recipe.name, recipe.seed, name="whole")
    assert run(folder, recipe) == "FINISHED"
    whole = end_of(folder)
    # In stage accelerate, at the switch, just after it, and later; in mid-episode all of them. Processes take seconds.
    for step in (60, 120, 140, 180) if not isinstance(recipe.env, GymnasiumEnv) or not recipe.env.processes else (140,):
        resumed = cut_back(folder, tmp_path / f"from-{step}", step)
        assert run(resumed, recipe, attempt=2) == "FINISHED"
        assert_same(whole, end_of(resumed))


def test_a_replay_may_be_written_in_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of gigabytes is; with four rings that do not stand at the same frame."""
    recipe = recipe_of(COVERING["ppo-mlp-cartpole-4"])
    folder = create_run_folder(tmp_path, recipe.name, recipe.seed, name="whole")
    assert run(folder, recipe) == "FINISHED"
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 100)
    in_parts = create_run_folder(tmp_path, recipe.name, recipe.seed, name="parts")
    assert run(in_parts, recipe) == "FINISHED"
    resumed = cut_back(in_parts, tmp_path / "resumed", 60)
    found, _ = newest_whole(resumed)
    assert found is not None and len(found.manifest["replays"]["accelerate"]) > 10
    assert run(resumed, recipe, attempt=2) == "FINISHED"
    assert_same(end_of(folder), end_of(resumed))


def test_a_fork_goes_on_from_its_own_checkpoints_whatever_attempt_it_was_forked_from(tmp_path: Path) -> None:
    """Else its first checkpoints would seem older than the one it began with."""
    recipe = recipe_of({})
    folder = create_run_folder(tmp_path, recipe.name, recipe.seed, name="whole")
    assert run(folder, recipe) == "FINISHED"
    forked = cut_back(folder, tmp_path / "forked", 60)
    for path in forked.checkpoints.iterdir():
        manifest = json.loads((path / "manifest.json").read_text())
        (path / "manifest.json").write_text(json.dumps(manifest | {"attempt": 3}))
    attempt = 1 + latest_attempt(forked, None)
    assert attempt == 4
    assert run(forked, recipe, attempt) == "FINISHED"
    newest, _ = newest_whole(forked)
    assert newest is not None and newest.step == recipe.total_steps


def test_what_a_resumed_run_costs_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    recipe = recipe_of({})
    folder = create_run_folder(tmp_path, recipe.name, recipe.seed, name="whole")
    assert run(folder, recipe) == "FINISHED"
    resumed = cut_back(folder, tmp_path / "resumed", 100)
    found, _ = newest_whole(resumed)
    assert found is not None
    manifest = found.path / "manifest.json"
    cost = {"cpu": 500.0, "cpu_evaluation": 200.0}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"cpu": cost}))
    assert run(resumed, recipe, attempt=2) == "FINISHED"
    rows = apply_rewinds(JsonlReader(resumed.metrics).poll())
    later = [row for row in rows if row["attempt"] == 2 and "time/cpu" in row]
    assert later and all(500 < row["time/cpu"] < 600 and 200 <= row["time/cpu_evaluation"] < 250 for row in later)
