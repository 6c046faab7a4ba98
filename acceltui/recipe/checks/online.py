"""Stage online: what it begins with, and what fades within it."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import Recipe


def online_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the section `online`, and of the accelerator with it."""
    online = recipe.online
    if recipe.algorithm.kind != "ppo":  # which learns nothing from an earlier policy's steps
        yield from _seed(recipe)
    if online.clone_fade > online.steps:
        yield Conflict(
            f"a fade over {online.clone_fade} steps does not end within online.steps = {online.steps}",
            f"give at most {online.steps}",
            ("online.clone_fade", "online.steps", "method"),
        )
    if online.critic_warmup >= online.steps:
        yield Conflict(
            f"{online.critic_warmup} steps for the critic alone leave nothing of online.steps = {online.steps}",
            f"give less than {online.steps}",
            ("online.critic_warmup", "online.steps", "method"),
        )


def _seed(recipe: Recipe) -> Iterator[Conflict]:
    online, accelerator = recipe.online, recipe.accelerator
    for path, limit in (("online.replay", online.replay), ("accelerator.replay", accelerator.replay)):
        if online.seed_replay > limit:
            yield Conflict(
                f"{online.seed_replay} transitions are more than {path} = {limit} holds",
                f"give at most {limit}",
                ("online.seed_replay", path, "algorithm.kind", "method"),
            )
