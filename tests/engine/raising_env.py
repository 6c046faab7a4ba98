"""An environment whose third step fails, for processes that must find it by name."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box


class Raising(gymnasium.Env):
    observation_space = Box(-1, 1, (3,), np.float32)
    action_space = Box(-1, 1, (1,), np.float32)
    taken = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        return np.zeros(3, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        self.taken += 1
        if self.taken == 3:
            raise RuntimeError("the simulator says no")
        return np.zeros(3, np.float32), 0.0, False, False, {}


gymnasium.register("Raising-v0", Raising, max_episode_steps=10)
