"""Runs that were never trained, with a checkpoint whose policies do what they see and remember."""

from pathlib import Path
from typing import Any

import torch
from engine_process import new_run
from engine_recipes import SMALL, small

from acceltui.engine.build import Parts
from acceltui.engine.checkpoint import Checkpoints, Moment
from acceltui.recipe.schema import Recipe
from acceltui.runs.folder import RunFolder


def with_transformer(section: dict[str, Any], **changes: Any) -> Recipe:
    """The small recipe with another transformer."""
    document = small(**changes).model_dump(by_alias=True)
    return Recipe.model_validate(document | {"transformer": {"context": 3, "layers": 1, "width": 8} | section})


def small_with(accelerator: dict[str, Any], **changes: Any) -> Recipe:
    """The small recipe with another accelerator."""
    document = small(**changes).model_dump(by_alias=True)
    own = {key: SMALL["accelerator"][key] for key in ("replay", "steps")}
    return Recipe.model_validate(document | {"accelerator": own | accelerator})


def with_algorithm(kind: str, **changes: Any) -> Recipe:
    """The small recipe with another algorithm."""
    sections = {
        "sac": {"kind": "sac", "batch_size": 16, "random_steps": 40},
        "ppo": {"kind": "ppo", "batch_size": 16, "rollout_steps": 40},
    }
    document = small(**changes).model_dump(by_alias=True)
    return Recipe.model_validate(document | {"algorithm": sections[kind]})


def stirred(recipe: Recipe, seed: int = 0) -> Parts:
    """The parts of a run whose networks answer strongly to all they are given."""
    parts = Parts(recipe)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for actor in (parts.accelerator, parts.transformer):
            for values in actor.parameters():
                values += 0.3 * torch.randn(values.shape, generator=generator)
    return parts


def save(folder: RunFolder, recipe: Recipe, parts: Parts, step: int, *whys: str) -> Path:
    """A checkpoint of weights alone."""
    moment = Moment(step, "online", parts.networks, {}, {})
    return folder.checkpoints / Checkpoints(folder, 1, recipe).save(moment, list(whys))["name"]


def saved_run(root: Path, recipe: Recipe, name: str = "run") -> tuple[RunFolder, Parts]:
    """A run with one checkpoint, its best; and the parts that are in it."""
    folder, parts = new_run(root, recipe, name), stirred(recipe)
    save(folder, recipe, parts, 100, "best")
    return folder, parts
