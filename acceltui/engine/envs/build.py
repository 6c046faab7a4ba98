"""From a recipe's `env` to environments: one row of a table for each family."""

import functools

import torch
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from acceltui.engine.envs import gymnasium_env
from acceltui.engine.envs.base import Environments, Spaces
from acceltui.engine.envs.vector import GymnasiumVector
from acceltui.recipe.schema import Env, GymnasiumEnv


def look_at_spaces(section: Env) -> Spaces:
    """What policies for this environment see and do. Raises SetupError where the recipe cannot be had."""
    if isinstance(section, GymnasiumEnv):
        return gymnasium_env.look_at_spaces(section)
    from acceltui.engine.envs import maniskill  # takes seconds to import

    return maniskill.look_at_spaces(section)


def make_environments(section: Env, num_envs: int, spaces: Spaces, device: torch.device) -> Environments:
    """`num_envs` environments, stepped together."""
    if isinstance(section, GymnasiumEnv):
        return GymnasiumVector(gymnasium_env.make_vector(section, num_envs), spaces, device)
    from acceltui.engine.envs import maniskill

    if maniskill.on_gpu(section, device):
        return maniskill.ManiSkillOnGPU(section, num_envs, spaces, device)
    # A process each, so that they compute side by side.
    makers = [functools.partial(maniskill.make_env, section, spaces) for _ in range(num_envs)]
    return GymnasiumVector(
        AsyncVectorEnv(makers, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP), spaces, device
    )
