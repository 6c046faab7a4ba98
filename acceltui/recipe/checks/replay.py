"""What replays must hold: a batch or a rollout, and in the ring of each environment more than a window."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.checks.stages import Stage, stages
from acceltui.recipe.schema import PPO, SAC, TD3, Recipe


def replay_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the replay of each stage."""
    for stage in stages(recipe):
        if isinstance(stage.algorithm, PPO):
            yield from _rollout(recipe, stage, stage.algorithm)
        else:
            yield from _batch(stage, stage.algorithm)
        yield from _window(recipe, stage)


def _batch(stage: Stage, algorithm: TD3 | SAC) -> Iterator[Conflict]:
    batch, path = algorithm.batch_size, stage.key("batch_size")
    if algorithm.segment > batch:
        yield Conflict(
            f"a run of {algorithm.segment} windows is more than a batch of {batch} has",
            f"give at most {path} = {batch}",
            (stage.key("segment"), path, "method"),
        )
    if stage.replay < batch:
        yield Conflict(
            f"{stage.replay} transitions hold no batch of {batch}",
            f"give at least {path} = {batch}",
            (stage.replay_path, path, "method"),
        )


def _rollout(recipe: Recipe, stage: Stage, algorithm: PPO) -> Iterator[Conflict]:
    num_envs, path = recipe.env.num_envs, stage.key("rollout_steps")
    rollout = algorithm.rollout_steps * num_envs
    # An episode has at least one step, and takes one frame more than it has steps.
    frames = 2 * rollout
    written = f"{path} = {algorithm.rollout_steps}" + (f" in each of {num_envs} environments" if num_envs > 1 else "")
    if stage.replay < frames:
        yield Conflict(
            f"{stage.replay} transitions may not hold a rollout of short episodes, {written}",
            f"give at least {frames}",
            (stage.replay_path, path, "env.num_envs", "method"),
        )
    if algorithm.batch_size > rollout:
        yield Conflict(
            f"a batch of {algorithm.batch_size} is more than a rollout has, {written}",
            f"give at most {rollout}",
            (stage.key("batch_size"), path, "env.num_envs", "method"),
        )


def _window(recipe: Recipe, stage: Stage) -> Iterator[Conflict]:
    contexts, num_envs = recipe.contexts, recipe.env.num_envs
    longest = max(contexts, key=lambda name: contexts[name])
    window = contexts[longest]
    if stage.replay // num_envs <= window:
        share = f" for each of {num_envs} environments" if num_envs > 1 else ""
        used = (f"{name}.context" for name in contexts)
        yield Conflict(
            f"{stage.replay // num_envs} transitions{share} hold no window of {longest}.context = {window} "
            "and the next",
            f"give at least {(window + 1) * num_envs}",
            (stage.replay_path, f"{longest}.context", "env.num_envs", "method", *used),
        )
