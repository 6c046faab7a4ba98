"""What policies see: observations, and windows of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Observations:
    """Of N environments: numbers, and where there is a camera, pictures."""

    state: Tensor
    """(N, S) float32; S is 0 where there are only pictures."""
    image: Tensor | None = None
    """(N, channels, height, width) uint8."""

    def map(self, change: Callable[[Tensor], Tensor]) -> "Observations":
        """The same change made to each part."""
        return Observations(change(self.state), None if self.image is None else change(self.image))


@dataclass(frozen=True)
class Past:
    """What led to each observation of a window."""

    actions: Tensor
    """(B, W, A); zeros at an episode's first observation."""
    rewards: Tensor
    """(B, W); zero at an episode's first observation."""
    padded: Tensor
    """(B, W) bool: a repetition of the first observation, before the episode's start."""

    def map(self, change: Callable[[Tensor], Tensor]) -> "Past":
        """The same change made to each part."""
        return Past(change(self.actions), change(self.rewards), change(self.padded))


@dataclass(frozen=True)
class Segments:
    """Runs of an episode's observations, for a network whose memory is carried from step to step."""

    state: Tensor
    """(G, T, S): from an episode's start, or from where the memory warms up. What is beyond its end means nothing."""
    image: Tensor | None
    """(G, T, channels, height, width) uint8."""
    pick: Tensor
    """(B,): of the G x T observations, those that B windows end with."""


@dataclass(frozen=True)
class Windows:
    """The last W observations of B episodes, oldest first; the first of an episode is repeated before its start."""

    state: Tensor
    """(B, W, S) float32."""
    image: Tensor | None = None
    """(B, W, channels, height, width) uint8."""
    past: Past | None = None
    """Present where a network asks for it."""
    segments: Segments | None = None
    """The same B observations with all that a memory needs of what came before, where a network has one."""

    def __len__(self) -> int:
        return len(self.state)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Windows":
        """The same change made to each part, but for segments, which are dropped."""
        return Windows(
            change(self.state),
            None if self.image is None else change(self.image),
            None if self.past is None else self.past.map(change),
        )

    def tail(self, context: int) -> "Windows":
        """The newest `context` steps."""
        if self.state.shape[1] == context:
            return self
        return replace(self.map(lambda part: part[:, -context:]), segments=self.segments)

    def rows(self, index: Tensor) -> "Windows":
        """Some of the B windows."""
        return self.map(lambda part: part[index])
