"""A small memory task of this project's own: say at the end what was shown at the beginning.

`accel/Recall-v0` has real actions, `accel/RecallChoice-v0` a choice of four. No policy of the newest observation alone
does better than a constant; one that sees the last 10 observations can be perfect.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

DELAY, RECALL = 5, 4
STEPS = 1 + DELAY + RECALL
"""Of an episode, and the observations that a window needs to reach back to the cue."""
CHOICES = 4
TOLERANCE = 0.25
"""How far a real answer may be from the cue in a success."""


class Recall(gymnasium.Env):
    """One step shows the cue, five show others to ignore, and in the last four the action is to be the cue.

    Observation, float32: whether this is the cue, whether it is time to answer, then the number shown, in [-1, 1]; with
    `discrete` that is one-hot of four. Reward of an answer: minus the squared distance to the cue; with `discrete`, 1
    where it is right. All other rewards are 0. So the best return is 0, and -4/3 on average without memory; with
    `discrete`, 4 and 1. An episode is a success if all its answers are right, or within 0.25 of the cue.
    """

    def __init__(self, discrete: bool = False) -> None:
        self.discrete = discrete
        self.action_space = Discrete(CHOICES) if discrete else Box(-1.0, 1.0, (1,), np.float32)
        low = [0.0] * (2 + CHOICES) if discrete else [0.0, 0.0, -1.0]
        self.observation_space = Box(np.array(low, np.float32), np.ones(len(low), np.float32))
        self.shown: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self.taken, self.right = 0, True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Draw the cue, and what follows it."""
        super().reset(seed=seed)
        self.taken, self.right = 0, True
        self.shown = self._draw(1 + DELAY)
        return self._look(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an answer, which counts if it is time for one."""
        reward = 0.0
        if self.taken > DELAY:
            distance = self._distance(action)
            reward = float(distance == 0) if self.discrete else -(distance**2)
            self.right = self.right and distance <= (0 if self.discrete else TOLERANCE)
        self.taken += 1
        over = self.taken == STEPS
        return self._look(), reward, over, False, {"success": over and self.right}

    def _draw(self, count: int) -> NDArray[np.float32]:
        if self.discrete:
            return np.eye(CHOICES, dtype=np.float32)[self.np_random.integers(CHOICES, size=count)]
        return self.np_random.uniform(-1.0, 1.0, (count, 1)).astype(np.float32)

    def _distance(self, action: Any) -> float:
        """From an answer to the cue."""
        cue = self.shown[0]
        return abs(float(int(action) - cue.argmax() if self.discrete else np.asarray(action).item() - cue.item()))

    def _look(self) -> NDArray[np.float32]:
        showing = self.taken <= DELAY
        value = self.shown[self.taken] if showing else np.zeros_like(self.shown[0])
        return np.concatenate((np.array([self.taken == 0, not showing], np.float32), value))


gymnasium.register("accel/Recall-v0", "acceltui.engine.envs.memory:Recall", max_episode_steps=STEPS)
gymnasium.register(
    "accel/RecallChoice-v0",
    "acceltui.engine.envs.memory:Recall",
    max_episode_steps=STEPS,
    kwargs={"discrete": True},
)
