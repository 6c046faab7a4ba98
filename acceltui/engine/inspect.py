"""Questions about a recipe that only its environment and its networks can answer."""

import contextlib
import math
import time
from typing import Any

import torch
from torch import nn

from acceltui.engine import room
from acceltui.engine.build import Parts
from acceltui.engine.envs.base import Spaces
from acceltui.engine.envs.build import look_at_spaces
from acceltui.engine.stages import Accelerate, OnlineStage
from acceltui.recipe.schema import PPO, Recipe

Stage = Accelerate | OnlineStage
PROBE_SECONDS = 4.0
"""Of training in each stage, after the replay holds a batch."""
EVALUATION_STEPS = 100
"""Of each evaluation environment that are timed."""
UNLIMITED_EPISODE = 1_000
"""Steps an episode is taken to have where there is no time limit."""


def describe_spaces(recipe: Recipe) -> dict[str, Any]:
    """What the policy sees and does. Raises SetupError where the environment cannot be had."""
    return spaces_as_json(look_at_spaces(recipe.env))


def spaces_as_json(spaces: Spaces) -> dict[str, Any]:
    """Spaces as the command line shows them."""
    return {
        "observation": {"shape": [spaces.full], "dtype": "float32"},
        "visible": spaces.state,
        "image": spaces.image,
        "seen": spaces.seen,
        "action": {"shape": [spaces.action], "discrete": spaces.discrete, "low": spaces.low, "high": spaces.high},
        "success": spaces.succeeds,
        "episode_steps": spaces.episode_steps,
    }


def plan(recipe: Recipe) -> dict[str, Any]:
    """Sizes, memory, and the time a run would take, from a short probe of the real thing."""
    first, second = recipe.accelerator.steps, recipe.online.steps
    budgets = {
        "accelerated": {"accelerate": first, "online": second},
        "scratch": {"online": first + second},
        "accelerator": {"accelerate": first + second},
    }[recipe.method]
    stage: Stage | None = None
    speed: dict[str, float] = {}
    replay_bytes: dict[str, int] = {}
    seconds: dict[str, float] = {}
    bytes_per_transition, step = 0.0, 0
    parts = Parts(probe_recipe(recipe))
    with contextlib.closing(parts):
        for name in budgets:
            stage = parts.switch(stage, step) if isinstance(stage, Accelerate) else begin(parts)
            replay = stage.learning.replay
            replay_bytes[name] = replay.nbytes
            bytes_per_transition = replay.nbytes / replay.capacity
            rollouts = rollout_seconds(stage, recipe)
            step, speed[name] = probe(stage, step)
            seconds[name] = budgets[name] / speed[name] + rollouts * budgets[name] / recipe.clone.rollouts.every
        seconds["evaluation"] = evaluation_seconds(parts, budgets)
        # All replays are there at the switch; of one that was left, nothing is. On a GPU, they are in its memory.
        all_replays, here = sum(room.replay_bytes(recipe, parts.spaces).values()), parts.device.type == "cpu"
        peak = room.taken_memory() + (all_replays - replay.nbytes if here else 0)
    return {
        "spaces": spaces_as_json(parts.spaces),
        "parameters": {
            "accelerator": parameters(parts.accelerator),
            "critic": parameters(parts.critic.critic),
            "transformer": parameters(parts.transformer),
        },
        "replay_bytes": replay_bytes,
        "bytes_per_transition": bytes_per_transition,
        "peak_bytes": peak,
        "speed": speed | {"measured_steps": step},
        "seconds": seconds | {"total": sum(seconds.values())},
    }


def probe_recipe(recipe: Recipe) -> Recipe:
    """The recipe with its learning begun as soon as there is a batch: what a step costs for most of a run."""
    algorithm = recipe.algorithm
    filled = max(algorithm.batch_size, recipe.clone.batch_size) + recipe.window + recipe.env.num_envs
    return recipe.model_copy(
        update={
            "algorithm": algorithm
            if isinstance(algorithm, PPO)
            else algorithm.model_copy(update={"random_steps": filled}),
            "online": recipe.online.model_copy(update={"critic_warmup": 0, "clone_fade": 0}),
        }
    )


def begin(parts: Parts) -> Stage:
    """The first stage of the recipe's method."""
    return parts.scratch() if parts.recipe.method == "scratch" else parts.accelerate()


def probe(stage: Stage, step: int) -> tuple[int, float]:
    """Train for `PROBE_SECONDS`; gives the steps taken so far and the steps a second, first updates left out.

    It begins and ends after a step that led to updates, so that a rollout counts with the updates on it.
    """
    learning, num_envs = stage.learning, stage.learning.interaction.num_envs
    while learning.updates < learning.learner.delay:
        stage.advance(step)
        step += num_envs
    began, first, spent, updated = time.perf_counter(), step, 0.0, False
    while spent < PROBE_SECONDS or not updated:
        before = learning.updates
        stage.advance(step)
        step += num_envs
        spent, updated = time.perf_counter() - began, learning.updates > before
    return step, (step - first) / spent


def rollout_seconds(stage: Stage, recipe: Recipe) -> float:
    """Seconds that one collection of `clone.from: rollouts` takes, from a part of one; it fills what cloning needs."""
    cloning = stage.cloning if isinstance(stage, Accelerate) else None
    if cloning is None or cloning.rollouts is None:
        return 0.0
    interaction = cloning.rollouts
    steps = math.ceil(recipe.clone.rollouts.episodes / interaction.num_envs) * episode_steps(interaction.envs.spaces)
    taken = max(EVALUATION_STEPS, math.ceil(recipe.clone.batch_size / interaction.num_envs))
    interaction.reset(recipe.seed)
    began = time.perf_counter()
    with torch.no_grad():
        for _ in range(taken):
            interaction.step(interaction.consult(cloning.learner.teacher).mode())
    return steps * (time.perf_counter() - began) / taken


def episode_steps(spaces: Spaces) -> int:
    """Steps of an episode that ends at no time of its own."""
    return spaces.episode_steps or UNLIMITED_EPISODE


def evaluation_seconds(parts: Parts, budgets: dict[str, int]) -> float:
    """Seconds that all evaluations take, from a part of one."""
    recipe, interaction = parts.recipe, parts.evaluating(parts.recipe.evaluation.num_envs)
    interaction.reset(recipe.evaluation.seed)
    rounds = math.ceil(recipe.evaluation.episodes / recipe.evaluation.num_envs)
    steps = rounds * episode_steps(parts.spaces)
    total = 0.0
    for name, budget in budgets.items():
        policies = [parts.accelerator] if name == "accelerate" else []
        policies += [parts.transformer] if recipe.method != "accelerator" else []
        for policy in policies:
            began = time.perf_counter()
            with torch.no_grad():
                for _ in range(EVALUATION_STEPS):
                    interaction.step(interaction.consult(policy).mode())
            total += budget / recipe.evaluation.every * steps * (time.perf_counter() - began) / EVALUATION_STEPS
    return total


def parameters(network: nn.Module) -> int:
    """Trainable numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
