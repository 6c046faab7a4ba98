"""Cloning: data to draw from, and losses that the algorithm's policies and critics have."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import Recipe


def cloning_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the section `clone`, and of the accelerator and the algorithm with it."""
    yield from _data(recipe)
    yield from _algorithm(recipe)


def _data(recipe: Recipe) -> Iterator[Conflict]:
    clone, accelerator = recipe.clone, recipe.accelerator
    if clone.from_ == "replay" and clone.newest > accelerator.replay:
        yield Conflict(
            f"the newest {clone.newest} transitions do not fit a replay of {accelerator.replay}",
            f"give at most accelerator.replay = {accelerator.replay}",
            ("clone.newest", "accelerator.replay", "clone.from", "method"),
        )
    if clone.newest < clone.batch_size:
        yield Conflict(
            f"{clone.newest} transitions hold no batch of {clone.batch_size}",
            f"give at least clone.batch_size = {clone.batch_size}",
            ("clone.newest", "clone.batch_size", "method"),
        )
    if clone.segment > clone.batch_size:
        yield Conflict(
            f"a run of {clone.segment} windows is more than a batch of {clone.batch_size} has",
            f"give at most clone.batch_size = {clone.batch_size}",
            ("clone.segment", "clone.batch_size", "method"),
        )
    if clone.from_ == "rollouts" and clone.rollouts.every > accelerator.steps:
        yield Conflict(
            f"rollouts every {clone.rollouts.every} steps never happen within accelerator.steps = {accelerator.steps}",
            f"give at most {accelerator.steps}",
            ("clone.rollouts.every", "accelerator.steps", "clone.from", "method"),
        )


def _algorithm(recipe: Recipe) -> Iterator[Conflict]:
    clone, kind = recipe.clone, recipe.algorithm.kind
    if kind == "td3" and clone.loss != "mse":
        yield Conflict(
            f"td3's policies have no distribution for {clone.loss}",
            "use mse, or algorithm.kind: sac",
            ("clone.loss", "algorithm.kind", "method"),
        )
    if kind == "ppo" and clone.critic != "keep":
        yield Conflict(
            "ppo's critic values states, not the transformer's actions, and carries over as it is",
            "use keep, or algorithm.kind: sac",
            ("clone.critic", "algorithm.kind", "method"),
        )
    if kind == "ppo" and clone.ascent:
        yield Conflict(
            "ppo's critic values states, not actions, so there is nothing to ascend",
            "give 0, or use algorithm.kind: sac",
            ("clone.ascent", "algorithm.kind", "method"),
        )
