"""Environments whose episodes take 3 to 9 steps, drawn at each reset, and which answer to every action."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

SIZE = 8


class Uneven(gymnasium.Env):
    """Observation: four numbers that the actions move; with `pictures`, a picture of them beside. The bounds of actions
    are not even around zero; with `discrete` there are three choices."""

    def __init__(self, discrete: bool = False, pictures: bool = False) -> None:
        self.discrete, self.pictures = discrete, pictures
        numbers = Box(-np.inf, np.inf, (4,), np.float64)
        image = Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.observation_space = Dict({"state": numbers, "image": image}) if pictures else numbers
        bounds = np.array([-2.0, 0.0], np.float32), np.array([3.0, 0.5], np.float32)
        self.action_space = Discrete(3) if discrete else Box(*bounds, dtype=np.float32)
        self.place, self.left = np.zeros(4), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.place, self.left = self.np_random.normal(size=4), int(self.np_random.integers(3, 10))
        return self.look(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        moved = np.array([float(action), 0.3 * float(action)] if self.discrete else action, np.float64)
        self.place = 0.9 * self.place + 0.2 * np.concatenate((moved, -moved)) + self.np_random.normal(0, 0.1, 4)
        self.left -= 1
        over, by_itself = self.left == 0, self.place[0] > 0
        return self.look(), float(self.place.sum() + moved[0]), over and by_itself, over and not by_itself, {}

    def look(self) -> Any:
        if not self.pictures:
            return self.place.copy()
        shades = (128 + 50 * np.tanh(np.outer(np.resize(self.place, SIZE), np.arange(SIZE)))).astype(np.uint8)
        return {"state": self.place.copy(), "image": np.repeat(shades[:, :, None], 3, axis=2)}


gymnasium.register("Uneven-v0", entry_point=Uneven)
gymnasium.register("UnevenChoice-v0", entry_point=Uneven, kwargs={"discrete": True})
gymnasium.register("UnevenPictures-v0", entry_point=Uneven, kwargs={"pictures": True})
