"""A small image task of this project's own, drawn with numpy: bring the green disc onto the red square.

`accel/Shapes-v0` is no benchmark of anybody else's. It exists so that learning from images takes minutes on a CPU.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

SIZE = 32
"""Pixels a side."""
RADIUS = 3.0
"""Of the disc, and half a side of the square, in pixels."""
STEPS = 20
SPEED = 0.2
"""Farthest move a step along each axis; the picture reaches from -1 to 1."""
EDGE = 0.8
"""Disc and square stay within -EDGE to EDGE, so that all of them is seen."""
NEAR = 0.15
"""Distance between the centres that counts as success."""


class Shapes(gymnasium.Env):
    """Two shapes at random places; the action moves the disc, the reward is minus its distance to the square.

    Observation: a picture (32, 32, 3), uint8. Action: the move along x and y in [-1, 1], times `SPEED`.
    Episodes have 20 steps; `info["success"]` says whether the disc is on the square.
    """

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)
        self.disc, self.square = np.zeros(2), np.zeros(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Put both shapes somewhere."""
        super().reset(seed=seed)
        self.disc, self.square = self.np_random.uniform(-EDGE, EDGE, (2, 2))
        return self._draw(), {}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Move the disc."""
        self.disc = np.clip(self.disc + SPEED * np.clip(action, -1.0, 1.0), -EDGE, EDGE)
        distance = float(np.linalg.norm(self.disc - self.square))
        return self._draw(), -distance, False, False, {"success": distance < NEAR}

    def _draw(self) -> NDArray[np.uint8]:
        """The picture, black behind the shapes. A pixel that an edge crosses is dimmer, so that it tells the place."""
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        for channel, centre, order in ((0, self.square, np.inf), (1, self.disc, 2)):
            x, y = (centre + 1) / 2 * (SIZE - 1)
            columns, rows = np.meshgrid(np.arange(SIZE) - x, np.arange(SIZE) - y)
            distance = np.linalg.norm(np.stack((columns, rows)), ord=order, axis=0)
            picture[:, :, channel] = np.round(255 * np.clip(RADIUS + 0.5 - distance, 0, 1))
        return picture


gymnasium.register("accel/Shapes-v0", "acceltui.engine.envs.shapes:Shapes", max_episode_steps=STEPS)
