"""A run that was killed and resumed is the run that was not: to the bit, wherever it was."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_recipes import small
from safetensors.torch import load_file

from acceltui.engine import checkpoint
from acceltui.engine.checkpoint import Saved
from acceltui.engine.monitor import Live, Monitor
from acceltui.engine.process import budgets, latest_attempt
from acceltui.engine.record import Record
from acceltui.engine.run import Run
from acceltui.engine.train import train
from acceltui.recipe.schema import GymnasiumEnv, Recipe
from acceltui.runs.checkpoints import newest_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import apply_rewinds
from acceltui.runs.paths import create_run_folder

EXCLUDED = ("time", "seq", "attempt")
PENDULUM = {"id": "Pendulum-v1", "episode_steps": 20}
CHEETAH = {"id": "HalfCheetah-v5", "episode_steps": 30}
ANT = {"id": "Ant-v5", "episode_steps": 30}
POMDP = CHEETAH | {"hide": "velocities", "observation_noise": 0.1, "drop_frames": 0.2}
RECALL = {"id": "accel/Recall-v0"}
CARTPOLE = {"id": "CartPole-v1"}
SHAPES = {"id": "accel/Shapes-v0"}
SAC = {"kind": "sac"}
PPO = {"kind": "ppo", "rollout_steps": 16, "batch_size": 8, "epochs": 2}
LSTM = {"kind": "lstm", "context": 4, "hidden": 8}
CNN = {"kind": "cnn", "context": 2}
DROPOUT = {"dropout": 0.1, "layers": 2}
PAST = {"inputs": "interleaved"}
EPISODE = {"positions": "rotary", "memory": "episode", "burn_in": 2}
COVERING: dict[str, dict[str, Any]] = {
    "td3-mlp-pendulum": {},
    "td3-fractions": {
        "algorithm": {"kind": "td3", "updates_per_step": 0.77},
        "clone": {"updates_per_step": 0.29},
        "log": {"every": 7},
    },
    "td3-lstm-pomdp-4": {"env": POMDP | {"num_envs": 4}, "accelerator": LSTM, "transformer": DROPOUT},
    "td3-mlp-cheetah-processes": {"env": CHEETAH | {"num_envs": 2, "processes": True}},
    "td3-cnn-shapes": {"env": SHAPES, "accelerator": CNN, "encoder": {"features": 8, "augment": "shift"}},
    "td3-lstm-recall-4": {"env": RECALL | {"num_envs": 4}, "accelerator": LSTM, "transformer": PAST},
    "td3-mlp-ant": {"env": ANT, "transformer": DROPOUT},
    "td3-memory": {"env": RECALL, "transformer": EPISODE},
    "td3-rollouts": {"clone": {"from": "rollouts", "rollouts": {"every": 40, "episodes": 2}}},
    "td3-own-critic": {"clone": {"critic": "clone+bellman"}, "env": PENDULUM | {"num_envs": 4}},
    "sac-mlp-ant-4": {"env": ANT | {"num_envs": 4}, "algorithm": SAC, "clone": {"loss": "divergence"}},
    "sac-lstm-pendulum": {"algorithm": SAC, "accelerator": LSTM, "clone": {"loss": "cross_entropy"}},
    "sac-cnn-shapes-4": {
        "env": SHAPES | {"num_envs": 4},
        "algorithm": SAC,
        "accelerator": CNN,
        "encoder": {"features": 8},
        "transformer": DROPOUT,
    },
    "sac-mlp-cartpole": {"env": CARTPOLE, "algorithm": SAC, "clone": {"loss": "divergence"}},
    "ppo-mlp-cartpole-4": {"env": CARTPOLE | {"num_envs": 4}, "algorithm": PPO, "clone": {"loss": "divergence"}},
    "ppo-lstm-cheetah": {"env": CHEETAH, "algorithm": PPO, "accelerator": LSTM},
    "ppo-cnn-shapes": {"env": SHAPES, "algorithm": PPO, "accelerator": CNN, "encoder": {"features": 8}},
    "scratch-pomdp": {"method": "scratch", "env": POMDP},
    "accelerator-lstm": {"method": "accelerator", "accelerator": LSTM},
}
"""All algorithms with all networks, environments of each family, one and several, and what else is carried along."""


def recipe_of(changes: dict[str, Any]) -> Recipe:
    many = {"checkpoint": {"every": 20, "keep": 100, "replay": "full"}}
    document = small(**many).model_dump(by_alias=True, exclude_unset=True)
    for section, value in changes.items():
        if section == "algorithm":
            shared = {"batch_size": 16, "learning_rate": 1e-3}
            document["algorithm"] = (shared if value["kind"] == "ppo" else document["algorithm"]) | value
        elif section == "accelerator" and "hidden" in value:
            document["accelerator"] = {"replay": 400, "steps": 120} | value
        elif isinstance(value, dict) and section != "env":
            document[section] = document.get(section, {}) | value
        else:
            document[section] = value
    return Recipe.model_validate(document)


def start(folder: RunFolder, recipe: Recipe, attempt: int = 1) -> Run:
    """An attempt that is about to train: from nothing, or from the newest checkpoint there is."""
    found = None if attempt == 1 else newest_whole(folder)[0]
    assert attempt == 1 or found is not None
    monitor = Monitor(folder, Live(recipe.method, budgets=budgets(recipe)), attempt)
    record = Record(folder, attempt, tensorboard=False)
    return Run(recipe, folder, monitor, record, None if found is None else Saved(found))


def run(folder: RunFolder, recipe: Recipe, attempt: int = 1) -> str:
    """A whole attempt; gives the state it ends in."""
    running = start(folder, recipe, attempt)
    try:
        return train(running)
    finally:
        running.parts.close()
        running.record.close()


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


def end_of(folder: RunFolder) -> dict[str, Any]:
    """All that the last checkpoint holds, and the metrics that count."""
    saved, skipped = newest_whole(folder)
    assert saved is not None and not skipped
    frames = {}
    for name, segments in saved.manifest["replays"].items():
        parts = [load_file(folder.path / "replay" / segment["file"]) for segment in segments]
        # Segments are cut at checkpoints, and those differ: the frames of each ring, one after the other.
        for ring in range(len(segments[0]["first"])):
            begins = [
                sum(
                    np_last - np_first + 1
                    for np_first, np_last in zip(s["first"][:ring], s["last"][:ring], strict=True)
                )
                for s in segments
            ]
            for key in parts[0]:
                rows = [
                    part[key][begin : begin + segment["last"][ring] - segment["first"][ring] + 1]
                    for part, begin, segment in zip(parts, begins, segments, strict=True)
                ]
                newest = torch.cat(rows)
                frames[f"{name}/{ring}/{key}"] = newest[-15:]
    rows = [
        {name: value for name, value in row.items() if name not in EXCLUDED and not name.startswith("speed/")}
        for row in apply_rewinds(JsonlReader(folder.metrics).poll())
    ]
    files = {name: part["sha256"] for name, part in saved.manifest["files"].items()}
    return {"step": saved.step, "files": files, "frames": frames, "rows": rows}


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["step"] == other["step"]
    assert one["rows"] == other["rows"]
    assert one["frames"].keys() == other["frames"].keys()
    for name, frames in one["frames"].items():
        assert torch.equal(frames, other["frames"][name]), name
    assert one["files"] == other["files"]


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
    monkeypatch.setattr(checkpoint, "SEGMENT_BYTES", 100)
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
