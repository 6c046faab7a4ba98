"""From a recipe's `env` to environments: one row of a table for each family."""

import functools
from collections.abc import Callable

import gymnasium
import torch
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from acceltui.engine.envs import gymnasium_env
from acceltui.engine.envs.base import Environments, Spaces
from acceltui.engine.envs.vector import GymnasiumVector
from acceltui.engine.errors import SetupError
from acceltui.engine.video import Film
from acceltui.recipe.schema import Env, GymnasiumEnv

Maker = Callable[[], gymnasium.Env]


def look_at_spaces(section: Env) -> Spaces:
    """What policies for this environment see and do. Raises SetupError where the recipe cannot be had."""
    if isinstance(section, GymnasiumEnv):
        return gymnasium_env.look_at_spaces(section)
    from acceltui.engine.envs import maniskill  # takes seconds to import

    return maniskill.look_at_spaces(section)


def make_environments(
    section: Env, num_envs: int, spaces: Spaces, device: torch.device, film: Film | None = None
) -> Environments:
    """`num_envs` environments, stepped together; `film` is of the first. SetupError where it cannot be filmed."""
    if isinstance(section, GymnasiumEnv):
        return GymnasiumVector(gymnasium_env.make_vector(section, num_envs, film), spaces, device)
    from acceltui.engine.envs import maniskill

    if maniskill.on_gpu(section, device):
        if film is not None:
            message = f"{section.id} is simulated on a GPU with others, where none is filmed"
            raise SetupError("environment", "env.backend", message, "leave the video out")
        return maniskill.ManiSkillOnGPU(section, num_envs, spaces, device)
    # A process each, so that they compute side by side.
    makers: list[Maker] = [functools.partial(maniskill.make_env, section, spaces)] * num_envs
    if film is not None:
        makers[0] = functools.partial(film.of, functools.partial(maniskill.make_env, section, spaces, "rgb_array"))
    return GymnasiumVector(
        AsyncVectorEnv(makers, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP), spaces, device
    )
