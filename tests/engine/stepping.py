"""Stages stepped by hand, and what can be seen of them."""

from typing import Any

import numpy as np
import torch
from engine_recipes import small
from torch import Tensor, nn

from acceltui.engine.build import Parts
from acceltui.engine.replay import Batch
from acceltui.engine.stages import Accelerate, OnlineStage

Stage = Accelerate | OnlineStage


def vector(*networks: nn.Module) -> Tensor:
    return torch.cat([nn.utils.parameters_to_vector(network.parameters()) for network in networks]).detach().clone()


def advance(stage: Stage, steps: int, after: int = 0) -> int:
    """Take `steps` more steps; gives how many were taken in all."""
    num_envs = stage.learning.interaction.num_envs
    for step in range(after, after + steps, num_envs):
        stage.advance(step)
    return after + steps


def at_the_switch(**changes: Any) -> tuple[Parts, Accelerate, int]:
    """Stage accelerate, trained until the end of its budget."""
    recipe = small(**changes)
    parts = Parts(recipe)
    stage = parts.accelerate()
    return parts, stage, advance(stage, recipe.accelerator.steps)


def newest(stage: Stage, count: int = 1) -> Batch:
    """Among the newest transitions of a stage."""
    return stage.learning.replay.sample(64, np.random.default_rng(0), newest=count)


def rows(batch: Batch) -> set[tuple[float, ...]]:
    return {tuple(row) for row in torch.cat((batch.windows.state[:, -1], batch.actions), dim=1).tolist()}


def adam_state(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [value.clone() for state in optimizer.state.values() for value in state.values()]
