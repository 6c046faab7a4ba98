"""Small runs of many kinds, and what they have come to when they end."""

from typing import Any

import torch
from engine_recipes import small
from safetensors.torch import load_file
from torch import Tensor

from acceltui.engine.checkpoint import Saved
from acceltui.engine.monitor import Live, Monitor
from acceltui.engine.process import budgets
from acceltui.engine.record import Record
from acceltui.engine.run import Run
from acceltui.engine.train import train
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import newest_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import apply_rewinds

EXCLUDED = ("time", "seq", "attempt")
OF_A_CLOCK = ("speed/", "time/", "machine/")
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
            if value["kind"] == "ppo":
                document["online"] = {**document["online"], "replay": 128}  # two rollouts in four environments
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
    live = Live(recipe.method, budgets=budgets(recipe))
    live.stage = next(iter(live.budgets))
    monitor = Monitor(folder, live, attempt)
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


def end_of(folder: RunFolder) -> dict[str, Any]:
    """All that the last checkpoint holds, and the metrics that count."""
    saved, skipped = newest_whole(folder)
    assert saved is not None and not skipped
    replays = {}
    for name, segments in saved.manifest["replays"].items():
        parts = [load_file(folder.path / "replay" / segment["file"]) for segment in segments]
        for ring in range(len(segments[0]["first"])):
            replays[f"{name}/{ring}"] = ring_of(segments, parts, ring)
    rows = [
        {name: value for name, value in row.items() if name not in EXCLUDED and not name.startswith(OF_A_CLOCK)}
        for row in apply_rewinds(JsonlReader(folder.metrics).poll())
    ]
    files = {name: part["sha256"] for name, part in saved.manifest["files"].items()}
    return {"step": saved.step, "files": files, "replays": replays, "rows": rows}


def ring_of(segments: list[dict[str, Any]], parts: list[dict[str, Tensor]], ring: int) -> dict[str, Tensor]:
    """The frames of one ring that the segments hold, and the number of each; a segment has its rings one by one."""
    numbers, places = [], []
    for segment in segments:
        counts = [last - first + 1 for first, last in zip(segment["first"], segment["last"], strict=True)]
        begin = sum(counts[:ring])
        places.append(slice(begin, begin + counts[ring]))
        numbers.append(torch.arange(segment["first"][ring], segment["last"][ring] + 1))
    frames = {key: torch.cat([part[key][place] for part, place in zip(parts, places, strict=True)]) for key in parts[0]}
    return frames | {"number": torch.cat(numbers)}


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["step"] == other["step"]
    assert one["rows"] == other["rows"]
    assert one["replays"].keys() == other["replays"].keys()
    for name, ring in one["replays"].items():
        assert_same_frames(name, ring, other["replays"][name])
    assert one["files"] == other["files"]


def assert_same_frames(name: str, one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Segments are cut at checkpoints, and those differ: each may hold older frames than the other does."""
    assert one["number"][-1] == other["number"][-1], name
    mine, others = (torch.isin(a["number"], b["number"]) for a, b in ((one, other), (other, one)))
    assert mine.any(), name
    for key in one:
        assert torch.equal(one[key][mine], other[key][others]), f"{name}/{key}"
