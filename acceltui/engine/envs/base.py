"""What every family of environments is to the engine: N environments, stepped together."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.state import State
from acceltui.engine.windows import Observations


@dataclass(frozen=True)
class Spaces:
    """What a policy is built from."""

    full: int
    """Numbers in the environment's own observation."""
    state: int
    """Numbers that the policy sees, float32; 0 where it sees only pictures."""
    image: tuple[int, int, int] | None
    """(channels, height, width) of its pictures, uint8."""
    action: int
    """Entries of an action, float32 in [-1, 1]; with `discrete`, the number of choices: an action is one-hot."""
    discrete: bool
    low: list[float]
    """Bounds of the environment's own action space; empty with `discrete`."""
    high: list[float]
    episode_steps: int | None
    """Time limit, where there is one."""
    succeeds: bool = False
    """Whether the environment reports success."""

    @property
    def seen(self) -> str:
        """What the policy sees, in words."""
        parts = [] if self.image is None else ["pictures of {1} x {2} ({0} channels)".format(*self.image)]
        if self.state:
            parts.append(f"{self.state} of {self.full} numbers" if self.full > self.state else f"{self.state} numbers")
        return " and ".join(parts)


@dataclass(frozen=True)
class Step:
    """What came of one step of all environments. One that ended an episode has begun the next."""

    observations: Observations
    """Of the next episode where one ended."""
    rewards: Tensor
    """(N,) float32, on the device."""
    terminated: NDArray[np.bool_]
    """(N,): the episode ended by itself."""
    truncated: NDArray[np.bool_]
    """(N,): it ended at a time limit."""
    final: Observations | None
    """Where an episode ended, its last observation; of the others, anything. None if none ended."""
    success: NDArray[np.bool_]
    """(N,): in the state that the step led to."""


class Environments(Protocol):
    """N environments that reset in the step that ends an episode."""

    num_envs: int
    spaces: Spaces
    apart: bool
    """Whether they compute in processes of their own, while the engine does something else."""

    def reset(self, seed: int) -> Observations:
        """Begin an episode in each; `seed` fixes all starts."""

    def send(self, actions: Tensor) -> None:
        """Have actions (N, A) on the device taken: in [-1, 1], those beyond are clipped; or one-hot."""

    def receive(self) -> Step:
        """What came of the actions sent."""

    def snapshot(self) -> list[State] | None:
        """The state of each; None where they cannot give it. No step may be pending."""

    def restore(self, snapshot: list[State]) -> None:
        """Put it back, in environments that have been reset once."""

    def close(self) -> None:
        """End the environments, and the processes of those that have one."""
