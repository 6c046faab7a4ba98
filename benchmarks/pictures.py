"""Learning from a camera, for the speed benchmark: an environment whose steps cost little, and the plain way."""

import contextlib
from collections.abc import Iterator
from types import MethodType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from acceltui.engine.envs.shapes import SIZE, Shapes
from acceltui.engine.networks import encoder
from acceltui.engine.replay import Replay
from acceltui.engine.windows import Pictures

EPISODE = 50
"""Steps, as ManiSkill's tasks have."""


class LargeShapes(Shapes):
    """`accel/Shapes-v0`, each of its pixels several times."""

    def __init__(self, times: int = 2) -> None:
        super().__init__()
        self.times = times
        self.observation_space = Box(0, 255, (times * SIZE, times * SIZE, 3), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """As there."""
        observation, info = super().reset(seed=seed, options=options)
        return self.large(observation), info

    def step(self, action: NDArray[np.floating]) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """As there."""
        observation, *rest = super().step(action)
        return self.large(observation), *rest

    def large(self, observation: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Each pixel `times` x `times` times."""
        return observation.repeat(self.times, axis=0).repeat(self.times, axis=1)


@contextlib.contextmanager
def all_at_once() -> Iterator[None]:
    """Encode all pictures of a batch together."""
    part, encoder.PART = encoder.PART, 2**60
    try:
        yield
    finally:
        encoder.PART = part


def share_nothing(replay: Replay) -> None:
    """Let every position of every window have a picture of its own."""

    def pictures(self: Replay, numbers: NDArray[np.int64], runs: NDArray[np.int64]) -> Pictures:
        return Pictures.of(self._image[self._on_device(numbers)])

    replay._pictures = MethodType(pictures, replay)


def of_side(side: int) -> str:
    """The id of the one whose pictures have so many pixels a side, a multiple of 32."""
    return f"benchmark/LargeShapes{side}-v0"


for multiple in (1, 2, 4):
    gymnasium.register(of_side(multiple * SIZE), LargeShapes, max_episode_steps=EPISODE, kwargs={"times": multiple})
