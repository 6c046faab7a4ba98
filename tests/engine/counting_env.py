"""An environment whose observations say where they come from, so that a window can be read like a page number."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from engine_recipes import plain_spaces
from gymnasium.spaces import Box, Dict
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from acceltui.engine.envs.base import Spaces

SCALE = 8.0
"""Numbers in observations are eighths: small enough for networks, and exact in float32."""
HEIGHT, WIDTH = 5, 7


class Counting(gymnasium.Env):
    """Observation: (environment, episode, step) / SCALE; the reward numbers the steps of all episodes.

    Episode k ends after `lengths[k % len(lengths)]` steps: by itself where k is even, at a time limit where it is odd.
    With `pictures`, the three numbers are also the colours of a picture, brighter to the right and to the bottom.
    """

    def __init__(self, number: int, lengths: Sequence[int], pictures: bool = False) -> None:
        self.observation_space = Box(-np.inf, np.inf, (3,), np.float32)
        if pictures:
            image = Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            self.observation_space = Dict(state=self.observation_space, image=image)
        self.action_space = Box(-1, 1, (2,), np.float32)
        self.number, self.lengths, self.pictures = number, lengths, pictures
        self.episode, self.taken, self.total = -1, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.episode, self.taken = self.episode + 1, 0
        return self.look(), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict]:
        self.taken, self.total = self.taken + 1, self.total + 1
        over = self.taken >= self.lengths[self.episode % len(self.lengths)]
        by_itself = self.episode % 2 == 0
        return self.look(), float(self.total), over and by_itself, over and not by_itself, {}

    def look(self) -> Any:
        numbers = np.array([self.number, self.episode, self.taken])
        state = numbers.astype(np.float32) / np.float32(SCALE)
        if not self.pictures:
            return state
        slope = np.arange(HEIGHT)[:, None] * WIDTH + np.arange(WIDTH)
        return {"state": state, "image": (slope[:, :, None] + numbers).astype(np.uint8)}


def counting_spaces(pictures: bool = False) -> Spaces:
    """What policies see and do in `Counting`."""
    return plain_spaces(state=3, action=2, image=(3, HEIGHT, WIDTH) if pictures else None)


def counting_envs(*lengths: Sequence[int], pictures: bool = False) -> SyncVectorEnv:
    """One environment for each argument, reset in the step that ends an episode."""
    makers = [lambda number=number, own=own: Counting(number, own, pictures) for number, own in enumerate(lengths)]
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
