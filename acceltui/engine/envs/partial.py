"""Partial observation: hidden entries, noise, dropped frames."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from acceltui.engine.errors import SetupError
from acceltui.recipe.schema import GymnasiumEnv

VELOCITIES = frozenset({"qvel", "cvel", "ten_velocity", "cfrc_ext", "qfrc_actuator"})
POSITIONS = frozenset({"qpos", "cinert", "ten_length"})


def visible_indices(env: gymnasium.Env, section: GymnasiumEnv) -> list[int]:
    """Indices of the flat observation that the policy sees.

    `hide` follows the environment's own `observation_structure`, a mapping of part to length in order of appearance
    (`skipped_*` entries are not part of the observation). Raises SetupError where there is none.
    """
    assert env.observation_space.shape is not None
    size = env.observation_space.shape[0]
    if section.keep is not None:
        if beyond := [index for index in section.keep if index >= size]:
            message = f"index {beyond[0]} is outside the observation of {section.id}, which has {size} entries"
            raise SetupError("environment", "env.keep", message, f"use indices 0 to {size - 1}")
        return list(section.keep)
    if section.hide is None:
        return list(range(size))

    structure = getattr(env.unwrapped, "observation_structure", None)
    lengths = {part: n for part, n in (structure or {}).items() if not part.startswith("skipped")}
    if sum(lengths.values()) != size:
        message = f"{section.id} does not say which entries of its observation are {section.hide}"
        raise SetupError("environment", "env.hide", message, "name the entries that remain with `keep: [indices]`")
    hidden = VELOCITIES if section.hide == "velocities" else POSITIONS
    parts = np.repeat(list(lengths), list(lengths.values()))
    visible = [index for index, part in enumerate(parts) if part not in hidden]
    if not visible:
        raise SetupError("environment", "env.hide", f"hiding the {section.hide} of {section.id} leaves nothing to see")
    return visible


class PartialObservation(gymnasium.Wrapper):
    """Shows part of a flat observation as float32, with Gaussian noise, and sometimes the frame before instead.

    Noise and losses come from a generator seeded at `reset(seed=...)`, so that an evaluation repeats. The first
    observation of an episode is never lost.
    """

    def __init__(self, env: gymnasium.Env, visible: list[int], noise: float, drop: float) -> None:
        super().__init__(env)
        assert isinstance(env.observation_space, gymnasium.spaces.Box)
        self.visible, self.noise, self.drop = np.asarray(visible), noise, drop
        low, high = env.observation_space.low[self.visible], env.observation_space.high[self.visible]
        if noise:
            low, high = np.full_like(low, -np.inf), np.full_like(high, np.inf)
        self.observation_space = gymnasium.spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        self.generator = np.random.default_rng()
        self.seen: NDArray[np.float32] = np.zeros(len(visible), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; a seed also restarts the generator of noise and losses."""
        if seed is not None:
            self.generator = np.random.default_rng([seed, 0x0B5])
        observation, info = self.env.reset(seed=seed, options=options)
        self.seen = self._look(observation)
        return self.seen, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; the observation is what can be seen of it."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if not (self.drop and self.generator.random() < self.drop):
            self.seen = self._look(observation)
        return self.seen, reward, terminated, truncated, info

    def _look(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        seen = observation[self.visible].astype(np.float32)
        if self.noise:
            seen += self.generator.normal(0.0, self.noise, seen.shape).astype(np.float32)
        return seen
