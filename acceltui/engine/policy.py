"""A trained policy in a script of one's own: `from acceltui import load_policy`."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from acceltui.engine.envs import gymnasium_env
from acceltui.engine.envs.base import Spaces
from acceltui.engine.envs.build import look_at_spaces
from acceltui.engine.envs.partial import PartialObservation, visible_indices
from acceltui.engine.envs.vector import seen, taken
from acceltui.engine.imports import check_imports
from acceltui.engine.networks.heads import Stochastic
from acceltui.engine.saved_policy import SavedPolicy, find_policy
from acceltui.engine.view import View
from acceltui.engine.windows import Past
from acceltui.recipe.schema import GymnasiumEnv, Recipe
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError, is_run


def load_policy(
    run: str | os.PathLike[str],
    checkpoint: str | int | None = None,
    policy: str | None = None,
    device: str | torch.device = "cpu",
    allow_import: Sequence[str] = (),
) -> "Policy":
    """A policy that a run has saved.

    `run`: the run's folder. `checkpoint`: "best", "switch", "last" or a step; None for the best, or the last where none
    is the best. `policy`: "transformer" or "accelerator"; None for the one that the run's method is for.
    `allow_import`: modules that the recipe may import. Raises RunError, RecipeError or SetupError with a sentence.
    """
    if not is_run(Path(run)):
        raise RunError(f"{os.fspath(run)} is no run: give a run's folder.")
    saved = find_policy(RunFolder(Path(run)), None if checkpoint is None else str(checkpoint), policy)
    check_imports(saved.recipe, allow_import)
    return Policy(saved, torch.device(device))


class Policy:
    """A policy of N episodes that go on side by side. It acts as it did in the run's own evaluations.

    Observations are those of the environment as it is without the recipe; what the recipe hides is left out here.
    Actions are within the environment's own bounds, or numbers of choices.
    """

    recipe: Recipe
    """What it was trained with."""
    name: str
    """transformer or accelerator."""
    step: int
    """Training steps taken when it was saved."""
    observation_space: gymnasium.Space
    """Of one environment."""
    action_space: gymnasium.Space

    def __init__(self, saved: SavedPolicy, device: torch.device) -> None:
        self.recipe, self.name, self.step = saved.recipe, saved.name, saved.found.step
        self._device = device
        self._look_at_environment()
        self._actor = saved.actor(self._spaces, device)
        self._needs_rewards = self.name == "transformer" and self.recipe.transformer.inputs == "concatenated"
        self.reset()

    def reset(self, num_envs: int = 1) -> None:
        """Forget everything: the next observations are the first of `num_envs` episodes."""
        self._view = View(num_envs, self.recipe.window, self._spaces, self._device, self.recipe.sees_past)
        self._num_envs = num_envs
        self._sent: Tensor | None = None

    def act(
        self,
        observations: Any,
        reset: ArrayLike | None = None,
        *,
        rewards: ArrayLike | None = None,
        deterministic: bool = True,
    ) -> NDArray[Any]:
        """What to do at the observations of all environments, or at the one of a single environment; called once a
        step.

        `reset` (N,): where an observation is the first of a new episode. `rewards` (N,): those that came with the
        observations; needed where the recipe's transformer reads them. Without `deterministic`, a policy that is a
        distribution is drawn from, with torch's own generator.
        """
        batch, alone = self._batch(observations)
        begins = np.zeros(self._num_envs, np.bool_)
        begins |= True if self._sent is None else np.asarray(False if reset is None else reset, np.bool_)
        self._view.push(seen(batch, self._spaces, self._device), self._led(rewards), begins)
        with torch.no_grad():
            said = self._view.consult(self._actor)
            if deterministic or not isinstance(said, Stochastic):
                self._sent = said.mode()
            else:
                noise = torch.randn(self._num_envs, self._actor.head.noise, device=self._device)
                self._sent = said.sample(noise)
        actions = self._to_own_bounds(taken(self._sent, self._spaces.discrete))
        return actions[0] if alone else actions

    def make_env(self, render_mode: str | None = None) -> gymnasium.Env:
        """One of the environments that it was trained in, for `act`: with the recipe's time limit, noise and lost
        observations. `SyncVectorEnv` takes this method where it wants functions."""
        section = self.recipe.env
        if not isinstance(section, GymnasiumEnv):
            from acceltui.engine.envs import maniskill

            return maniskill.make_env(section, self._spaces, render_mode)
        env = gymnasium_env.make_base(section, render_mode)
        if section.observation_noise or section.drop_frames:
            every = list(range(self._spaces.full))
            env = PartialObservation(env, every, section.observation_noise, section.drop_frames)
        return env

    def _look_at_environment(self) -> None:
        section = self.recipe.env
        self._visible: NDArray[np.intp] | None = None
        self._to_own_bounds: Callable[[NDArray[Any]], NDArray[Any]] = unchanged
        if not isinstance(section, GymnasiumEnv):
            from acceltui.engine.envs import maniskill

            self._spaces: Spaces = look_at_spaces(section)
            self.observation_space = maniskill.observation_space(self._spaces)
            self.action_space = Box(-1.0, 1.0, (self._spaces.action,), np.float32)
            return
        env = gymnasium_env.make_base(section)
        self._spaces = gymnasium_env.spaces_of(env, section)
        self.observation_space, self.action_space = env.observation_space, env.action_space
        if gymnasium_env.is_partial(section):
            self._visible = np.asarray(visible_indices(env, section))
        if isinstance(env.action_space, Box):
            self._to_own_bounds = gymnasium_env.rescaled(env).action
        env.close()

    def _batch(self, observations: Any) -> tuple[Any, bool]:
        """Observations with an axis for environments, hidden entries left out, and whether there was none."""
        space = self.observation_space
        spaces = space.spaces if isinstance(space, Dict) else {"": space}
        shapes: dict[str, Any] = {key: part.shape for key, part in spaces.items()}
        given = observations if isinstance(space, Dict) else {"": observations}
        if not (isinstance(given, Mapping) and shapes.keys() <= given.keys()):
            raise ValueError(f"observations are to be maps of {', '.join(shapes)}, as the environment gives them")
        parts = {key: np.asarray(given[key]) for key in shapes}
        alone = self._num_envs == 1 and all(part.shape == shapes[key] for key, part in parts.items())
        if alone:
            parts = {key: part[None] for key, part in parts.items()}
        for key, part in parts.items():
            if part.shape != (self._num_envs, *shapes[key]):
                wanted = f"{(self._num_envs, *shapes[key])} after reset({self._num_envs})"
                raise ValueError(f"observations{key and f' {key!r}'} of shape {part.shape}: expected {wanted}")
        if self._visible is not None:
            parts = {key: part[:, self._visible] for key, part in parts.items()}
        return (parts if isinstance(space, Dict) else parts[""]), alone

    def _led(self, rewards: ArrayLike | None) -> Past | None:
        """What led to the observations; None for the first."""
        if self._sent is None:
            return None
        if rewards is None and self._needs_rewards:
            raise ValueError("the transformer of this recipe reads rewards: give those that came with the observations")
        came = np.zeros(self._num_envs, np.float32)
        came[:] = 0.0 if rewards is None else np.asarray(rewards, np.float32)
        padded = torch.zeros(self._num_envs, dtype=torch.bool, device=self._device)
        return Past(self._sent, torch.from_numpy(came).to(self._device), padded)


def unchanged(actions: NDArray[Any]) -> NDArray[Any]:
    """Actions that need no other bounds."""
    return actions
