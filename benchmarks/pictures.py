"""Learning from a camera, as the speed benchmark needs it: an environment whose steps cost nothing, and no sharing."""

from types import MethodType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from acceltui.engine.envs.shapes import SIZE, Shapes
from acceltui.engine.replay import Replay
from acceltui.engine.windows import Pictures

EPISODE = 50
"""Steps, as ManiSkill's tasks have."""


class LargeShapes(Shapes):
    """`accel/Shapes-v0` in 64 x 64 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Box(0, 255, (2 * SIZE, 2 * SIZE, 3), np.uint8)

    def reset(self, **arguments: Any) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """As there."""
        observation, info = super().reset(**arguments)
        return large(observation), info

    def step(self, action: NDArray[np.floating]) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """As there."""
        observation, *rest = super().step(action)
        return large(observation), *rest


def large(observation: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each pixel four times."""
    return observation.repeat(2, axis=0).repeat(2, axis=1)


def share_nothing(replay: Replay) -> None:
    """Let every position of every window have a picture of its own."""

    def pictures(self: Replay, numbers: NDArray[np.int64], runs: NDArray[np.int64]) -> Pictures:
        return Pictures.of(self._image[self._on_device(numbers)])

    replay._pictures = MethodType(pictures, replay)


gymnasium.register("benchmark/LargeShapes-v0", LargeShapes, max_episode_steps=EPISODE)
