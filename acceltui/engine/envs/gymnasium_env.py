"""Gymnasium environments: found, checked, wrapped and stepped together."""

import difflib
import functools
import multiprocessing
import signal
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RescaleAction

from acceltui.engine.envs.base import Spaces
from acceltui.engine.envs.partial import PartialObservation, visible_indices
from acceltui.engine.envs.snapshots import Snapshots
from acceltui.engine.envs.vector import actions_of, parts_of, picture_shape
from acceltui.engine.errors import SetupError
from acceltui.engine.video import Film
from acceltui.recipe.schema import GymnasiumEnv


def make_env(section: GymnasiumEnv, render_mode: str | None = None) -> gymnasium.Env:
    """One environment that takes actions in [-1, 1] and shows what the recipe lets be seen.

    Raises SetupError where the recipe and the environment do not fit.
    """
    if multiprocessing.parent_process() is not None:
        # The engine saves before it leaves, and these processes end when its pipe to them does.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
    env = make_base(section, render_mode)
    if is_partial(section):
        visible = visible_indices(env, section)
        env = PartialObservation(env, visible, section.observation_noise, section.drop_frames)
    if isinstance(env.action_space, Box):
        env = rescaled(env)
    return Snapshots(env)


def rescaled(env: gymnasium.Env) -> RescaleAction:
    """The same with actions in [-1, 1]."""
    return RescaleAction(env, np.float32(-1.0), np.float32(1.0))


def is_partial(section: GymnasiumEnv) -> bool:
    """Whether anything of the observation is kept from the policy."""
    return bool(section.hide or section.keep is not None or section.observation_noise or section.drop_frames)


def make_base(section: GymnasiumEnv, render_mode: str | None = None) -> gymnasium.Env:
    """The environment as Gymnasium makes it, if it is one that can be learned here."""
    quiet_mujoco()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = _make(section)
        if render_mode is not None:
            env = drawing(env, section, render_mode)
    observations, actions = env.observation_space, env.action_space
    parts = parts_of(observations)
    if parts is None:
        wanted = "a flat Box, a picture (a uint8 Box), or a Dict of `state` and `image`"
        raise SetupError("environment", "env.id", f"{section.id} has observations {observations}, not {wanted}")
    if "image" in parts and is_partial(section):
        raise SetupError("environment", "env.id", f"{section.id} shows pictures, of which nothing can be hidden")
    if isinstance(actions, Discrete):
        if actions.start:
            raise SetupError("environment", "env.id", f"{section.id} has choices that begin at {actions.start}, not 0")
    elif not (isinstance(actions, Box) and len(actions.shape) == 1 and np.issubdtype(actions.dtype, np.floating)):
        message = f"{section.id} has actions {actions}, neither a flat Box of reals nor Discrete"
        raise SetupError("environment", "env.id", message)
    elif not (np.isfinite(actions.low).all() and np.isfinite(actions.high).all()):
        raise SetupError("environment", "env.id", f"{section.id} has unbounded actions, which cannot be rescaled")
    return env


def make_vector(section: GymnasiumEnv, num_envs: int, film: Film | None = None) -> SyncVectorEnv | AsyncVectorEnv:
    """`num_envs` environments that reset in the step that ends an episode, the final observation kept in `info`; `film`
    is of the first."""
    makers: list[Callable[[], gymnasium.Env]] = [functools.partial(make_env, section)] * num_envs
    if film is not None:
        makers[0] = functools.partial(film.of, functools.partial(make_env, section, "rgb_array"))
    if section.processes:
        return AsyncVectorEnv(makers, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)


def look_at_spaces(section: GymnasiumEnv) -> Spaces:
    """Make the environment once to learn its spaces."""
    env = make_base(section)
    try:
        return spaces_of(env, section)
    finally:
        env.close()


def spaces_of(env: gymnasium.Env, section: GymnasiumEnv) -> Spaces:
    """What policies see and do of an environment that `make_base` has made."""
    parts = parts_of(env.observation_space)
    assert parts is not None
    full = parts["state"].shape[0] if "state" in parts else 0
    action, discrete, low, high = actions_of(env.action_space)
    return Spaces(
        full=full,
        state=len(visible_indices(env, section)) if is_partial(section) else full,
        image=picture_shape(parts["image"]) if "image" in parts else None,
        action=action,
        discrete=discrete,
        low=low,
        high=high,
        episode_steps=env.spec.max_episode_steps if env.spec else None,
        succeeds=bool(env.get_wrapper_attr("reports_success")) if env.has_wrapper_attr("reports_success") else False,
    )


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


def drawing(env: gymnasium.Env, section: GymnasiumEnv, render_mode: str) -> gymnasium.Env:
    """The same as one that draws itself. SetupError where it cannot."""
    modes = env.metadata.get("render_modes") or []
    env.close()
    if render_mode not in modes:
        message = f"{section.id} does not draw itself (it has no render mode {render_mode})"
        raise SetupError("environment", "env.id", message)
    env = _make(section, render_mode)
    follow(env)
    return env


def follow(env: gymnasium.Env) -> None:
    """Have MuJoCo look from the camera that goes with the body, where its model has one: from where Gymnasium 1.4 looks
    otherwise, what runs is soon out of the picture."""
    renderer = getattr(env.unwrapped, "mujoco_renderer", None)
    if renderer is None or renderer.camera_id != -1:
        return
    import mujoco

    renderer.camera_id = mujoco.mj_name2id(renderer.model, mujoco.mjtObj.mjOBJ_CAMERA, "track")  # -1 if it has none


def _make(section: GymnasiumEnv, render_mode: str | None = None) -> gymnasium.Env:
    if section.id.startswith("accel/"):
        from acceltui.engine.envs import memory, shapes  # noqa: F401 - importing registers

    options: dict[str, Any] = {} if section.episode_steps is None else {"max_episode_steps": section.episode_steps}
    if render_mode is not None:
        options["render_mode"] = render_mode
    try:
        return gymnasium.make(section.id, **options)
    except gymnasium.error.DependencyNotInstalled as error:
        raise SetupError("environment", "env.id", f"{section.id} needs a package that is missing: {error}") from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
        nearest = difflib.get_close_matches(section.id, gymnasium.registry, n=1)
        hint = (
            f"did you mean {nearest[0]}?" if nearest else "`python -c 'import gymnasium; gymnasium.pprint_registry()'`"
        )
        raise SetupError("environment", "env.id", f"Gymnasium has no environment {section.id!r}", hint) from error
    except Exception as error:
        # Whatever its author let it raise.
        message = f"{section.id} cannot be made: {type(error).__name__}: {' '.join(str(error).split())}"
        raise SetupError("environment", "env.id", message) from error
