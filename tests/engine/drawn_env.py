"""An environment that draws itself: each picture is as bright as its step, and one pixel too large for a video."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

HEIGHT, WIDTH = 33, 47
STEPS = 12
BRIGHTER = 20


class Drawn(gymnasium.Env):
    """Observations come from the seed alone, rewards are the actions. An episode with an odd seed is over two steps
    earlier, and a success."""

    reports_success = True
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = Box(-2.0, 2.0, (1,), np.float32)
        self.taken, self.last = 0, STEPS

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.taken, self.last = 0, STEPS - 2 * (seed or 0) % 4
        return self.look(), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict]:
        self.taken += 1
        over = self.taken == self.last
        return self.look(), float(action[0]), over, False, {"success": over and self.last < STEPS}

    def look(self) -> np.ndarray:
        return self.np_random.uniform(-1, 1, 2).astype(np.float32)

    def render(self) -> np.ndarray:
        assert self.render_mode == "rgb_array"
        return np.full((HEIGHT, WIDTH, 3), BRIGHTER * self.taken, np.uint8)


gymnasium.register("Drawn-v0", entry_point=Drawn)
