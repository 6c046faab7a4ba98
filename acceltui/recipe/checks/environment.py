"""What is seen, and by which network."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import GymnasiumEnv, ManiSkillEnv, Recipe


def environment_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the section `env`, and of the accelerator with it."""
    if isinstance(recipe.env, GymnasiumEnv):
        yield from _hidden(recipe.env)
    elif recipe.method != "scratch":
        yield from _images(recipe, recipe.env)


def _hidden(env: GymnasiumEnv) -> Iterator[Conflict]:
    if env.hide is not None and env.keep is not None:
        yield Conflict("keep and hide exclude each other", "delete one of them", ("env.keep", "env.hide"))
    if env.keep is not None and len(set(env.keep)) != len(env.keep):
        repeated = next(index for index in env.keep if env.keep.count(index) > 1)
        yield Conflict(f"index {repeated} is given twice", "name each index once", ("env.keep",))


def _images(recipe: Recipe, env: ManiSkillEnv) -> Iterator[Conflict]:
    """A camera needs a network for images. (Whether a Gymnasium environment shows any, only making it tells.)"""
    kind, uses = recipe.accelerator.kind, ("accelerator.kind", "env.observation", "method")
    if env.observation == "state" and kind == "cnn":
        yield Conflict("a cnn needs images, and env.observation is state", "use mlp, or observe rgb or rgb+state", uses)
    if env.observation != "state" and kind == "mlp":
        yield Conflict(f"an mlp sees no image, and env.observation is {env.observation}", "use cnn", uses)
