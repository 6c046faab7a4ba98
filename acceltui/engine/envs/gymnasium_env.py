"""Gymnasium environments: found, checked, wrapped and stepped together."""

import difflib
import functools
import multiprocessing
import signal
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import RescaleAction

from acceltui.engine.envs.partial import PartialObservation, visible_indices
from acceltui.engine.errors import SetupError
from acceltui.recipe.schema import GymnasiumEnv


@dataclass(frozen=True)
class Spaces:
    """What a policy is built from."""

    full: int
    """Entries of the environment's own observation."""
    observation: int
    """Entries that the policy sees, float32."""
    action: int
    """Entries of an action, float32 in [-1, 1]."""
    low: list[float]
    """Bounds of the environment's own action space."""
    high: list[float]
    episode_steps: int | None
    """Time limit, where there is one."""


def make_env(section: GymnasiumEnv) -> gymnasium.Env:
    """One environment that takes actions in [-1, 1] and shows what the recipe lets be seen.

    Raises SetupError where the recipe and the environment do not fit.
    """
    if multiprocessing.parent_process() is not None:
        # The engine saves before it leaves, and these processes end when its pipe to them does.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    env = make_base(section)
    visible = visible_indices(env, section)
    env = PartialObservation(env, visible, section.observation_noise, section.drop_frames)
    return RescaleAction(env, np.float32(-1.0), np.float32(1.0))


def make_base(section: GymnasiumEnv) -> gymnasium.Env:
    """The environment as Gymnasium makes it, if it is one that can be learned here."""
    quiet_mujoco()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = _make(section)
    observations, actions = env.observation_space, env.action_space
    if not (isinstance(observations, Box) and len(observations.shape) == 1):
        raise SetupError("environment", "env.id", f"{section.id} has observations {observations}, not a flat Box")
    if not (isinstance(actions, Box) and len(actions.shape) == 1 and np.issubdtype(actions.dtype, np.floating)):
        raise SetupError("environment", "env.id", f"{section.id} has actions {actions}, not a flat Box of reals")
    if not (np.isfinite(actions.low).all() and np.isfinite(actions.high).all()):
        raise SetupError("environment", "env.id", f"{section.id} has unbounded actions, which cannot be rescaled")
    return env


def make_envs(section: GymnasiumEnv, num_envs: int) -> VectorEnv:
    """`num_envs` environments that reset in the step that ends an episode, the final observation kept in `info`."""
    makers = [functools.partial(make_env, section) for _ in range(num_envs)]
    if section.processes:
        return AsyncVectorEnv(makers, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)


def look_at_spaces(section: GymnasiumEnv) -> Spaces:
    """Make the environment once to learn its spaces."""
    env = make_base(section)
    try:
        observations, actions = env.observation_space, env.action_space
        assert isinstance(observations, Box) and isinstance(actions, Box)
        return Spaces(
            full=observations.shape[0],
            observation=len(visible_indices(env, section)),
            action=actions.shape[0],
            low=actions.low.tolist(),
            high=actions.high.tolist(),
            episode_steps=env.spec.max_episode_steps if env.spec else None,
        )
    finally:
        env.close()


def check_import(section: GymnasiumEnv, allowed: Sequence[str]) -> None:
    """Refuse an id that would import a module the call did not allow."""
    module, colon, _ = section.id.partition(":")
    if colon and module not in allowed:
        message = f"{section.id!r} imports the module {module!r}, which the call does not allow"
        raise SetupError("recipe", "env.id", message, f"add --allow-import {module} if you trust it")


def quiet_mujoco() -> None:
    """Take MuJoCo's warnings away from its own handler, which writes MUJOCO_LOG.TXT into the working directory.

    Deprecations concern whoever keeps the models; anything else becomes a Python warning, which the log shows.
    """
    try:
        import mujoco
    except ImportError:
        return

    def warn(text: str) -> None:
        if "deprecated" not in text:
            warnings.warn(f"MuJoCo: {text}", stacklevel=2)

    mujoco.set_mju_user_warning(warn)


def _make(section: GymnasiumEnv) -> gymnasium.Env:
    limit: dict[str, Any] = {} if section.episode_steps is None else {"max_episode_steps": section.episode_steps}
    try:
        return gymnasium.make(section.id, **limit)
    except gymnasium.error.DependencyNotInstalled as error:
        raise SetupError("environment", "env.id", f"{section.id} needs a package that is missing: {error}") from error
    except gymnasium.error.Error as error:
        nearest = difflib.get_close_matches(section.id, gymnasium.registry, n=1)
        hint = (
            f"did you mean {nearest[0]}?" if nearest else "`python -c 'import gymnasium; gymnasium.pprint_registry()'`"
        )
        raise SetupError("environment", "env.id", f"Gymnasium has no environment {section.id!r}", hint) from error
    except ImportError as error:
        raise SetupError("environment", "env.id", f"{section.id} cannot be imported: {error}") from error
