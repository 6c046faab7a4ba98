"""An environment whose observations say where they come from, so that a window can be read like a page number."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

SCALE = 8.0
"""Numbers in observations are eighths: small enough for networks, and exact in float32."""


class Counting(gymnasium.Env):
    """Observation: (environment, episode, step) / SCALE; the reward numbers the steps of all episodes.

    Episode k ends after `lengths[k % len(lengths)]` steps: by itself where k is even, at a time limit where it is odd.
    """

    def __init__(self, number: int, lengths: Sequence[int]) -> None:
        self.observation_space = Box(-np.inf, np.inf, (3,), np.float32)
        self.action_space = Box(-1, 1, (2,), np.float32)
        self.number, self.lengths = number, lengths
        self.episode, self.taken, self.total = -1, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.episode, self.taken = self.episode + 1, 0
        return self.look(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.taken, self.total = self.taken + 1, self.total + 1
        over = self.taken >= self.lengths[self.episode % len(self.lengths)]
        by_itself = self.episode % 2 == 0
        return self.look(), float(self.total), over and by_itself, over and not by_itself, {}

    def look(self) -> np.ndarray:
        return np.array([self.number, self.episode, self.taken], np.float32) / np.float32(SCALE)


def counting_envs(*lengths: Sequence[int]) -> VectorEnv:
    """One environment for each argument, reset in the step that ends an episode."""
    makers = [lambda number=number, own=own: Counting(number, own) for number, own in enumerate(lengths)]
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
